/* Finding the tools. */
#include "weir/tools.h"

#include <dlfcn.h>
#include "region/layout.h"
#include "weir/cmd.h"
#include "weir/place.h"

#define LIBRARY "libweir-tools.so.0"

const struct wr_tools *
wr_tools_load(void)
{
    char path[WR_PATH_MAX];
    bool ours = wr_place_library(path, sizeof path, LIBRARY) == 0;
    void *lib = dlopen(ours ? path : LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    const struct wr_tools *tools = lib ? dlsym(lib, "weir_tools") : NULL;
    if (!tools)
        wr_say("cannot load %s: %s. Install Weir whole", LIBRARY, dlerror());
    return tools;
}
