"""Weir's heap as gdb sees it, in a process that runs and in a core.

    weir heap [N]     what the heap holds, and the N biggest sites (10)
    weir whois ADDR   which block, free or live, an address belongs to

gdb loads this file with libweir.so where it trusts the directory; elsewhere
`source` loads it. It reads memory only and calls nothing in the program.
Structures are laid out as the library's debug information says; the numbers
below are those of its sources, of the same version as this file.
"""

import math
import struct

import gdb

PAGE_SHIFT = 13                  # heap/sizeclass.h
WINDOW_SHIFT = 30                # heap/span.h, as all below
SPAN_FREE, SPAN_SMALL, SPAN_LARGE = 1, 2, 3
BLOCK_REMOTE, BLOCK_SAMPLED, BLOCK_LIVE = 0x81, 0xFE, 0xFF
TABLE_BUCKETS, TABLE_STACKS = 2, 3           # region/layout.h
NO_LEDGER = 0x80000000                       # profile/sample.c
REGION_MAGIC = 0x314E474552524957

NO_WEIR = ("This program has no Weir in it. Start it with `weir run -- "
           "PROGRAM`, or with LD_PRELOAD=libweir.so.")
NO_DEBUG = ("libweir.so is here without its debug information, which says "
            "where the heap's tables are: use a build that was not stripped.")
NO_PROCESS = "There is no process and no core to look at."
NO_SAMPLES = "Nothing was sampled here: the process has no region (yet)."
NO_REGION = """\
The samples are not in this core: a core leaves out mapped files, and that of
the region%s, is gone. `weir top` reads the profile that `weir run` saved. With
    echo 0x3b >/proc/PID/coredump_filter
done before, the next core holds the samples."""


# ---- memory and types ----

def read(address, size):
    """Bytes of the program."""
    return gdb.selected_inferior().read_memory(address, size).tobytes()


class Layout:
    """A structure of the library: reads one at an address into attributes."""

    FORMS = {1: "B", 2: "H", 4: "I", 8: "Q"}

    def __init__(self, name):
        kind = gdb.lookup_type("struct " + name)
        self.size = kind.sizeof
        self.offset = {}
        self.form = {}
        self.add(kind, 0)

    def add(self, kind, start):
        for f in kind.fields():
            at = start + f.bitpos // 8
            if f.name is None:  # a structure or union without a name
                self.add(f.type, at)
                continue
            self.offset[f.name] = at
            if f.type.sizeof in self.FORMS:
                self.form[f.name] = at, "<" + self.FORMS[f.type.sizeof]

    def at(self, address):
        data = read(address, self.size)
        thing = type("Thing", (), {})()
        for name, (offset, form) in self.form.items():
            setattr(thing, name, struct.unpack_from(form, data, offset)[0])
        thing.address = address
        return thing


def address_of(variable):
    return int(gdb.parse_and_eval("(unsigned long)&" + variable))


def word_at(address):
    return struct.unpack("<Q", read(address, 8))[0]


# ---- the heap ----

class Span:
    """One run of pages: its record and the states of its blocks."""

    def __init__(self, heap, address):
        record = heap.span.at(address)
        self.__dict__.update(record.__dict__)
        self.bytes = self.pages << PAGE_SHIFT
        self.is_large = self.state == SPAN_LARGE
        self.is_free = self.state == SPAN_FREE
        self.block_size = self.bytes if self.is_large else self.block_bytes
        self.states = b""
        if self.state in (SPAN_SMALL, SPAN_LARGE):
            self.states = read(address + heap.span.offset["block"],
                               1 if self.is_large else self.blocks)

    def live(self):
        return (self.states.count(BLOCK_LIVE) +
                self.states.count(BLOCK_SAMPLED))

    def tag(self, block):
        """What the sampler keeps with a sampled block."""
        return struct.unpack("<I", read(self.tags + 4 * block, 4))[0]


class Heap:
    def __init__(self):
        self.span = Layout("wr_span")
        self.window = Layout("wr_window")
        self.windows = address_of("wr_windows")
        self.near = address_of("wr_near") + Layout("wr_near").offset["entry"]

    def span_of_entry(self, entry):
        """Entries of the page map count from wr_near.entry to the end of the
        record's fixed part; see heap/span.h."""
        return Span(self, self.near + entry - self.span.size)

    def entries(self, window, first, count):
        if window.entry == 0 or count <= 0:
            return ()
        return struct.unpack("<%dq" % count,
                             read(window.entry + 8 * first, 8 * count))

    def find(self, address):
        """The span that covers an address, or None. Of a free run only the
        first and the last page are in the map: those between are found from
        the last entry before them."""
        if address >> 48:
            return None
        window = self.window_at(address >> WINDOW_SHIFT)
        page = (address & ((1 << WINDOW_SHIFT) - 1)) >> PAGE_SHIFT
        if not window.first <= page < window.end:
            return None
        entries = self.entries(window, window.first, page + 1 - window.first)
        for entry in reversed(entries):
            if entry:
                span = self.span_of_entry(entry)
                inside = span.base <= address < span.base + span.bytes
                return span if inside else None
        return None

    def window_at(self, index):
        return self.window.at(self.windows + index * self.window.size)

    def all_windows(self):
        first, last = (int(gdb.parse_and_eval("(unsigned long)" + name))
                       for name in ("wr_window_first", "wr_window_last"))
        return [self.window_at(i) for i in range(first, last + 1)]

    def spans(self):
        seen = 0  # the end of the last: a span may reach into a next window
        for window in self.all_windows():
            entries = self.entries(window, window.first,
                                   window.end - window.first)
            page = 0
            while page < len(entries):
                if not entries[page]:
                    page += 1
                    continue
                span = self.span_of_entry(entries[page])
                if span.base >= seen:
                    seen = span.base + span.bytes
                    yield span
                page += max(1, span.pages)

    def released_pages(self):
        bits = 0
        for window in self.all_windows():
            if window.released:
                data = read(window.released, 1 << (WINDOW_SHIFT - PAGE_SHIFT
                                                   - 3))
                covered = int.from_bytes(data, "little") >> window.first
                covered &= (1 << (window.end - window.first)) - 1
                bits += bin(covered).count("1")
        return bits


# ---- the region: samples and their stacks ----

class Region:
    """What the sampler wrote down. Region.open() is None where it cannot be
    read: in a child that has none yet, and in many cores."""

    def __init__(self, base):
        self.base = base
        header = Layout("wr_region_header")
        if word_at(base) != REGION_MAGIC:
            raise gdb.MemoryError("no region")
        self.rate = header.at(base).sample_rate
        self.pid = header.at(base).pid
        self.version = self.text(base + header.offset["weir_version"], 24)
        self.exe = self.text(base + header.offset["exe"], 512)
        self.table = [
            Layout("wr_table").at(base + header.offset["table"] +
                                  i * Layout("wr_table").size)
            for i in range(int(gdb.parse_and_eval("WR_TABLE_COUNT")))]
        self.bucket_layout = Layout("wr_bucket")
        self.stack_layout = Layout("wr_stack")
        self.ledger_layout = Layout("wr_ledger_slot")
        self.slot_layout = Layout("wr_thread_slot")

    @staticmethod
    def open():
        base = int(gdb.parse_and_eval("(unsigned long)wr_region"))
        try:
            return Region(base) if base else None
        except gdb.MemoryError:
            return None

    @staticmethod
    def text(address, size):
        return read(address, size).split(b"\0")[0].decode("utf-8", "replace")

    def bucket_of(self, tag):
        """The bucket of the block with that tag: the entry of the ledger
        says it, or the tag itself (profile/sample.c)."""
        if tag & NO_LEDGER:
            return self.bucket(tag & ~NO_LEDGER)
        table = self.table[int(gdb.parse_and_eval("WR_TABLE_LEDGER"))]
        if tag >= min(table.used, table.capacity):
            return None
        slot = self.ledger_layout.at(self.base + table.offset +
                                     tag * table.stride)
        return self.bucket(slot.who & 0xffffffff)

    def bucket(self, number):
        table = self.table[TABLE_BUCKETS]
        if number >= min(table.used, table.capacity):
            return None
        return self.bucket_layout.at(self.base + table.offset +
                                     number * table.stride)

    def buckets(self):
        n = min(self.table[TABLE_BUCKETS].used,
                self.table[TABLE_BUCKETS].capacity)
        return (self.bucket(i) for i in range(n))

    def stack(self, number):
        """Return addresses, innermost first."""
        table = self.table[TABLE_STACKS]
        if number == 0 or number >= table.used:
            return ()
        at = self.base + table.offset + 8 * number
        frames = min(self.stack_layout.at(at).frames, 128)
        return struct.unpack("<%dQ" % frames,
                             read(at + self.stack_layout.size, 8 * frames))


def held(bucket):
    """Blocks and bytes that a bucket's samples stand for, without bias."""
    blocks = bucket.allocs - bucket.frees
    size = bucket.alloc_bytes - bucket.free_bytes
    if blocks <= 0:
        return 0, 0
    one = bucket.size or size / blocks
    size = blocks * one
    weight = 1
    if bucket.rate > 1:
        weight = 1 / -math.expm1(-one / bucket.rate)
    return blocks * weight, size * weight


# ---- words ----

def in_bytes(n):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024 or unit == "GiB":
            return ("%d %s" if unit == "B" else "%.1f %s") % (n, unit)
        n /= 1024


def counted(n, noun):
    return "%s %s%s" % (format(round(n), ",d"), noun,
                        "" if round(n) == 1 else "s")


def functions_at(pc):
    """The function at an address and those it was inlined into."""
    names = []
    try:
        block = gdb.block_for_pc(pc)
    except RuntimeError:
        block = None
    while block is not None:
        if block.function is not None:
            names.append(block.function.print_name)
        block = block.superblock
    return names


def frames_of(return_address):
    """Lines of text for one frame, which is a call: hence the byte before
    the address it returns to."""
    pc = return_address - 1
    names = functions_at(pc)
    if not names:
        text = gdb.execute("info symbol %#x" % pc, to_string=True).strip()
        known = not text.startswith("No symbol")
        return [text.split(" in section")[0] if known else "%#x" % pc]
    line = gdb.find_pc_line(pc)
    where = ""
    if line.symtab is not None and line.line:
        where = " at %s:%d" % (line.symtab.filename, line.line)
    return [names[0] + where] + [n + " (inlined the above)"
                                 for n in names[1:]]


def print_stack(stack, indent):
    if not stack:
        print(indent + "(no stack of its own: the tables were full)")
    for pc in stack:
        for text in frames_of(pc):
            print(indent + text)


# ---- is it there at all? ----

def has_symbol(name):
    try:
        return gdb.lookup_global_symbol(name) is not None or \
            gdb.lookup_static_symbol(name) is not None
    except gdb.error:
        return False


def check():
    """Stop with a sentence where there is nothing to look at."""
    if not gdb.selected_inferior().threads():
        raise gdb.GdbError(NO_PROCESS)
    if has_symbol("wr_near") and has_symbol("wr_region"):
        return
    for objfile in gdb.objfiles():
        if "/libweir.so" in (objfile.filename or ""):
            raise gdb.GdbError(NO_DEBUG)
    raise gdb.GdbError(NO_WEIR)


def why_no_region():
    """A sentence, when Region.open() is None."""
    if not int(gdb.parse_and_eval("(unsigned long)wr_region")):
        return NO_SAMPLES
    try:
        lines = gdb.execute("info proc mappings", to_string=True).splitlines()
    except gdb.error:
        lines = []
    files = [line.split()[-1] for line in lines
             if line.rstrip().endswith(".weir")]
    return NO_REGION % (", " + files[0] if files else "")


# ---- weir heap ----

class Census:
    """The heap's spans, added up."""

    def __init__(self, heap):
        self.live = {}   # block size (0: large) -> [live, free, spans, bytes]
        self.free_pages = self.kept = 0
        for span in heap.spans():
            if span.is_free:
                self.free_pages += span.pages
            elif span.states:
                self.add(span)
        self.released = heap.released_pages()

    def add(self, span):
        live = span.live()
        if span.is_large and not live:
            self.kept += span.bytes
            return
        row = self.live.setdefault(0 if span.is_large else span.block_size,
                                   [0, 0, 0, 0])
        row[0] += live
        row[1] += len(span.states) - live
        row[2] += 1
        row[3] += live * span.block_size
        row.append(span.bytes)

    def print(self):
        rows = self.live.values()
        live_bytes = sum(r[3] for r in rows)
        spans = sum(sum(r[4:]) for r in rows)
        free = self.free_pages << PAGE_SHIFT
        print("%10s  in %s" % (in_bytes(live_bytes),
                               counted(sum(r[0] for r in rows),
                                       "live block")))
        print("%10s  free, in spans with live blocks" %
              in_bytes(spans - live_bytes))
        print("%10s  freed large blocks that threads keep for their next" %
              in_bytes(self.kept))
        print("%10s  free pages; %s of all this is with the system" %
              (in_bytes(free), in_bytes(self.released << PAGE_SHIFT)))
        print("\n     block      live      free   spans  live bytes")
        for size in sorted(self.live, key=lambda s: s or 1 << 62):
            live, unused, n, size_live = self.live[size][:4]
            print("%10s %9d %9s %7d %11s" %
                  (size or "large", live, unused if size else "-", n,
                   in_bytes(size_live)))


def print_sites(region, most):
    sites = {}
    for bucket in region.buckets():
        blocks, size = held(bucket)
        if size:
            site = sites.setdefault(bucket.stack, [0, 0])
            site[0] += blocks
            site[1] += size
    total = sum(size for _, size in sites.values())
    print("\n%s held by what the sampler saw%s; the biggest sites:" %
          (in_bytes(total),
           "" if region.rate == 1 else
           " (estimated, one sample in %s)" % in_bytes(region.rate)))
    ranked = sorted(sites.items(), key=lambda s: -s[1][1])
    for stack, (blocks, size) in ranked[:most]:
        print("%10s  in %s, from" % (in_bytes(size), counted(blocks, "block")))
        print_stack(region.stack(stack), " " * 12)
    if len(ranked) > most:
        print("%10s  in %s" % ("...", counted(len(ranked) - most,
                                              "smaller site")))


class HeapCommand(gdb.Command):
    """What Weir's heap holds: `weir heap [N]`.

By state, by size of block, and the N (10) biggest sites with their stacks."""

    def __init__(self):
        super().__init__("weir heap", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if argument and not argument.isdigit():
            raise gdb.GdbError("weir heap: how many sites? \"%s\" is no "
                               "number" % argument)
        check()
        region = Region.open()
        if region:
            print("Weir %s in process %d, %s" % (region.version, region.pid,
                                                 region.exe))
        Census(Heap()).print()
        if region:
            print_sites(region, int(argument or 10))
        else:
            print("\n" + why_no_region())


# ---- weir whois ----

def state_of(state):
    if state in (BLOCK_LIVE, BLOCK_SAMPLED):
        return "a live block"
    if state == BLOCK_REMOTE:
        return "a block that another thread has freed"
    return "a free block"


def owner_of(span, region):
    """Which thread allocates from a span."""
    if span.is_large or not span.owner or not region:
        return ""
    slot = Layout("wr_mcache").at(span.owner).region_slot
    if not slot:
        return ""
    try:
        return ", of thread %d" % region.slot_layout.at(slot).tid
    except gdb.MemoryError:
        return ""


def print_block(address, span, region):
    block = 0 if span.is_large else (address - span.base) // span.block_size
    if block >= len(span.states):
        print("%#x is behind the last block of a span: no block's." % address)
        return
    state = span.states[block]
    start = span.base + block * span.block_size
    inside = address - start
    place = "the start of" if inside == 0 else \
        "%s into" % counted(inside, "byte")
    print("%#x is %s %s of %s%s." %
          (address, place, state_of(state), counted(span.block_size, "byte"),
           ", at %#x" % start if inside else ""))
    if state == BLOCK_SAMPLED:
        print_sample(span.tag(block), region)
    elif state == BLOCK_LIVE:
        print("It was not sampled: where it was allocated is not known.")
    if block > 0:
        print_before(span, block - 1, region)


def print_sample(tag, region):
    bucket = region.bucket_of(tag) if region else None
    if bucket is None:
        print("It is a sample. " + why_no_region())
        return
    print("It is a sample, allocated at")
    print_stack(region.stack(bucket.stack), "    ")
    print("Samples like it: %d allocated, %d live." %
          (bucket.allocs, bucket.allocs - bucket.frees))


def print_before(span, block, region):
    """Whoever writes behind its block writes into the next one."""
    state = span.states[block]
    bucket = region.bucket_of(span.tag(block)) \
        if region and state == BLOCK_SAMPLED else None
    print("Before it is %s%s" %
          (state_of(state), ", allocated at" if bucket else "."))
    if bucket:
        print_stack(region.stack(bucket.stack), "    ")


def print_span(span, region):
    pages = "%s (%s)" % (counted(span.pages, "page"), in_bytes(span.bytes))
    if span.is_large:
        print("It has %s of its own." % pages)
        return
    print("Span of %s at %#x: %s of %s, %d live%s." %
          (pages, span.base, counted(span.blocks, "block"),
           counted(span.block_size, "byte"), span.live(),
           owner_of(span, region)))


def print_stranger(address):
    symbol = gdb.execute("info symbol %#x" % address, to_string=True).strip()
    print("%#x is not in Weir's heap.%s" %
          (address, "" if symbol.startswith("No symbol")
           else " It is " + symbol + "."))


class WhoisCommand(gdb.Command):
    """Which block of Weir's heap an address belongs to: `weir whois ADDR`.

Live or free, where it starts, its size; where it was allocated, if it is a
sample. ADDR is any expression."""

    def __init__(self):
        super().__init__("weir whois", gdb.COMMAND_DATA,
                         gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if not argument:
            raise gdb.GdbError("weir whois: which address?")
        check()
        value = gdb.parse_and_eval(argument)
        address = int(value.cast(gdb.lookup_type("unsigned long")))
        span = Heap().find(address)
        if span is None or not (span.is_free or span.states):
            print_stranger(address)
        elif span.is_free:
            print("%#x is in %s of free memory, in no block." %
                  (address, in_bytes(span.bytes)))
        else:
            region = Region.open()
            print_block(address, span, region)
            print_span(span, region)


class WeirCommand(gdb.Command):
    """Weir's heap in this process or core: `weir heap`, `weir whois ADDR`."""

    def __init__(self):
        super().__init__("weir", gdb.COMMAND_DATA, prefix=True)


WeirCommand()
HeapCommand()
WhoisCommand()
