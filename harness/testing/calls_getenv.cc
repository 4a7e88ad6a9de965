// A shared object with one export and one import, for tests of what the grader reads in it.
#include <cstdlib>

extern "C" const char* q00_home() { return std::getenv("HOME"); }
