#include "CEDICUnicode.h"
