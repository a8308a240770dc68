// EDICTokenizers
