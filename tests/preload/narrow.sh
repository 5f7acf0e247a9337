#!/bin/sh
# Weir asks for nothing a program might not have: in narrow circumstances
# it works, if need be without a region, and is silent.
. "$(dirname "$0")/_lib.sh"
narrow=$(prog narrow)

# Made by the program after its start.
for how in as-is seccomp closefrom nofile nproc memlock; do
    same "$narrow" $how
done
same sh -c '"$0" fsize | cat' "$narrow"
if [ "$(id -u)" -eq 0 ]; then
    same "$narrow" nobody
    same "$narrow" chroot
fi

# There from the first instruction.
for limits in 'ulimit -v 200000' 'ulimit -f 0' 'ulimit -n 4' \
    'ulimit -d 100000' 'ulimit -s 256' 'exec <&- 3<&-'; do
    same sh -c "exec 3>&- 4>&-; { $limits; exec \"\$0\" as-is; } | cat" "$narrow"
done
same env -i "XDG_RUNTIME_DIR=$tmp" "LD_PRELOAD=$lib" "$narrow" as-is
same sh -c 'exec 2>&-; "$0" as-is' "$narrow"

# Nowhere to put a region.
mkdir "$tmp/locked"
chmod 000 "$tmp/locked"
ln -s nowhere "$tmp/dangling"
: >"$tmp/file"
for dir in /nonexistent "$tmp/locked" "$tmp/dangling" "$tmp/file" /proc \
    /dev/null "/$(printf '%0300d' 0)"; do
    same env "WEIR=dir=$dir" "$narrow" as-is
done

# A full file system: a region is sparse, so only its pages can be refused.
if [ "$(id -u)" -eq 0 ] && mkdir "$tmp/full" &&
    mount -t tmpfs -o size=16k none "$tmp/full" 2>/dev/null; then
    same env "WEIR=dir=$tmp/full" "$narrow" as-is
    umount "$tmp/full"
fi

# Options that make no sense are left out with one sentence, and no harm.
for words in history=maybe history= sample=x sample=-1 sample= colour=blue dir= dir=relative \
    sample=99999999999999999999999 limit=5 limit= limit=1GB:firm "dir=/$(printf '%0600d' 0)"; do
    env LD_PRELOAD="$lib" WEIR="$words" "$narrow" as-is >"$tmp/out" \
        2>"$tmp/err" || fail "with $words the program fails"
    [ "$(cat "$tmp/out")" = lived ] || fail "with $words it said nothing"
    [ "$(grep -c '^weir: ' "$tmp/err")" -eq 1 ] &&
        [ "$(wc -l <"$tmp/err")" -eq 1 ] ||
        fail "with $words stderr has: $(cat "$tmp/err")"
done
options=sample=0,sample=1,
same "$narrow" as-is
finish
