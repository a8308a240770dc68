#include "CEDICXML.h"
