// EDICBuilds
