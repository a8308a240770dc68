// EDICLanguageID
