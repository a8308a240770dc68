// EDICNumerics
