// EDICStore
