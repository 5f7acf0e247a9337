#include "ui/assets.h"

#include "ui/embed.h"

WR_EMBED(wr_ui_page, "page.html")
WR_EMBED(wr_ui_policy, "page.policy")
