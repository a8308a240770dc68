#include "CEDICJSON.h"
