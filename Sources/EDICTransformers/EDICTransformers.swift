// EDICTransformers
