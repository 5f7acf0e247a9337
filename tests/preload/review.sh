#!/bin/sh
# Corners of a program's life, with every allocation sampled and with none.
. "$(dirname "$0")/_lib.sh"
same "$(prog review)"
options=sample=1,
same "$(prog review)"
options=sample=0,
same "$(prog review)"
finish
