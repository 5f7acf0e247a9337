#!/bin/sh
# Forked children of threaded programs live; so do spawned and exec'd ones.
. "$(dirname "$0")/_lib.sh"
same "$(prog fork)"
same "$(prog spawn)"
finish
