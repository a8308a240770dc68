// EDICCorpora
