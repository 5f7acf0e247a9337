#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include "common.h"

WEIR_ADAPT(adapted);
WEIR_ADAPT_LUA(adapted);

int
main(int argc, char **argv)
{
    lua_State *lua;
    int err = LUA_ERRMEM;

    (void)argc;
    begin(argv);
    adapted_budget = budget;
    lua = lua_newstate(adapted_lua, NULL);
    if (lua != NULL)
        err =
            luaL_dostring(lua, "t = {} for i = 1, 5000 do t[i] = 'x' .. i end");
    look(argv);
    if (lua != NULL)
        lua_close(lua);
    return end(err ? "no memory" : "done");
}
