/* Names by which a server may be asked. */
#include "weir/hosts.h"

#include "serve/host.h"
#include "weir/cmd.h"

int
wr_hosts_add(struct wr_hosts *hosts, const char *name)
{
    if (!wr_host_is_name(name)) {
        wr_say("--allow-host %s: not a name; write it without port and path, "
               "like profiles.example",
               name);
        return -1;
    }
    if (hosts->count == WR_HOSTS_MAX) {
        wr_say("--allow-host %s: more than %d names", name, WR_HOSTS_MAX);
        return -1;
    }
    hosts->name[hosts->count++] = name;
    hosts->name[hosts->count] = NULL;
    return 0;
}
