#include "ui/assets.h"

#include "ui/embed.h"

WR_EMBED(wr_ui_flame, "flame.html")
