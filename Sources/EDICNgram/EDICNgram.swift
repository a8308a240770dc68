// EDICNgram
