#!/bin/sh
# Signals may come at any moment.
. "$(dirname "$0")/_lib.sh"
same "$(prog signals)"
options=sample=1,
same "$(prog signals)"
finish
