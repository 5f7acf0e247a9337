/* Finding the screen. */
#include "weir/screen.h"

#include <dlfcn.h>
#include "region/layout.h"
#include "weir/cmd.h"
#include "weir/place.h"

#define LIBRARY "libweir-screen.so.0"

const struct wr_screen *
wr_screen_load(void)
{
    char path[WR_PATH_MAX];
    bool ours = wr_place_library(path, sizeof path, LIBRARY) == 0;
    void *lib = dlopen(ours ? path : LIBRARY, RTLD_NOW | RTLD_LOCAL);
    const struct wr_screen *screen = lib ? dlsym(lib, "weir_screen") : NULL;
    if (!screen)
        wr_say("cannot load %s: %s. Install it, or say --once", LIBRARY,
               dlerror());
    return screen;
}
