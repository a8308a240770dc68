// EDICText
