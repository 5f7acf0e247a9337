/* What weir says about itself. The help texts are complete: the manual page
 * tells the same, longer. */
#include <stdio.h>
#include <string.h>
#include "weir/cmd.h"

static const char help_run[] =
    "usage: weir run [options] [--] program [arguments]\n"
    "\n"
    "Runs a program on Weir's heap, in the foreground, and shows who holds\n"
    "its memory: live over HTTP while it runs, and in files afterwards.\n"
    "Signals, terminal, process group and exit status are as without weir.\n"
    "Processes that it starts are recorded too, each by itself.\n"
    "\n"
    "      --http ADDR     where to answer: HOST:PORT, PORT (loopback),\n"
    "                      unix:PATH or none; default 127.0.0.1:0 (any\n"
    "                      free port, printed at the start)\n"
    "      --allow-host NAME\n"
    "                      answer to this name too, see weir help serve\n"
    "      --no-go-metrics /metrics without the go_* names of Go's programs\n"
    "  -s, --sample BYTES  record about one allocation in so many bytes;\n"
    "                      64K, 1M; 1 records every one, 0 none; default\n"
    "                      64K, unless WEIR says another\n"
    "      --limit BYTES   soft memory limit: 512MiB; auto: the control "
    "group's;\n"
    "                      off. Near it free memory goes back at once. With\n"
    "                      :hard behind it large allocations fail beyond\n"
    "  -o, --out DIR       where to write the profiles at the end; default:\n"
    "                      the run's own directory under\n"
    "                      $XDG_RUNTIME_DIR/weir (else /dev/shm/weir-UID).\n"
    "                      The newest 50 runs stay there\n"
    "      --regions DIR   keep the regions there, on a volume that outlives\n"
    "                      weir, until they are reported\n"
    "      --snapshot-at PERCENT\n"
    "                      also write the heap profile when so much of the\n"
    "                      memory limit is used, and each time half of what\n"
    "                      was left is gone; the newest 8 stay\n"
    "  -q, --quiet         neither address nor summary, only errors\n"
    "      --collect[=PERCENT]\n"
    "                      free what malloc gave and nobody can reach any\n"
    "                      more, each time memory has grown by so much: 100\n"
    "                      unless said. For programs that leak and cannot be\n"
    "                      mended now\n"
    "      --leaks[=FILE]  search for leaks when a program ends, and tell of\n"
    "                      them on stderr or in FILE: text, JSON (.json) or\n"
    "                      JUnit (.xml); every allocation is recorded then,\n"
    "                      unless --sample or WEIR says otherwise\n"
    "      --fail-on-leak  end with status 3 when there is a leak and the\n"
    "                      program ended well; means --leaks\n"
    "      --suppressions FILE\n"
    "                      leaks that are known, as for weir leaks\n"
    "  -h, --help          this text\n"
    "\n"
    "At the end every process has two files in DIR, for weir top and go tool\n"
    "pprof: PROGRAM.PID.heap.pb.gz and PROGRAM.PID.allocs.pb.gz. If it dies\n"
    "(SIGKILL, SIGSEGV, SIGABRT...), its report is printed and written there,\n"
    "as weir report tells it.\n"
    "\n"
    "A program that cannot be recorded (static, setuid, Go, sanitizer,\n"
    "another C library) is run all the same, after a sentence that says why.\n"
    "\n"
    "Signals that are sent to weir go on to the program. What comes to the\n"
    "process group, from the terminal (^C, ^\\, ^Z) or by kill, reaches it\n"
    "once; weir waits for the program.\n"
    "\n"
    "Exit status: the program's own; if a signal ended it, weir ends by the\n"
    "same. 3: see --fail-on-leak. 127: no such program. 126: it cannot be\n"
    "executed. 125: weir failed.\n"
    "\n"
    "Environment: WEIR holds settings for the library (sample=BYTES,...),\n"
    "which options replace; NO_COLOR turns colours off.\n"
    "\n"
    "Examples:\n"
    "  weir run -- redis-server --port 7777\n"
    "  weir run --fail-on-leak --leaks=leaks.xml -- ./tests\n"
    "  weir run --http 127.0.0.1:6060 --out profiles -- ./server\n"
    "  go tool pprof http://127.0.0.1:6060/debug/pprof/heap\n";

static const char help_serve[] =
    "usage: weir serve [options]\n"
    "\n"
    "Serves the profiles of all programs of this user that run with the Weir\n"
    "library, however they were started: by LD_PRELOAD in a unit file or a\n"
    "container, linked, or left over from a weir run. Runs until SIGINT,\n"
    "SIGTERM or SIGHUP.\n"
    "\n"
    "      --http ADDR  HOST:PORT, PORT (loopback), unix:PATH or none;\n"
    "                   default 127.0.0.1:6060. The socket http.sock (mode\n"
    "                   0600) in the runtime directory answers always\n"
    "      --allow-host NAME\n"
    "                   a name by which others reach this server, like that\n"
    "                   of its container or proxy; any number of times\n"
    "      --no-go-metrics\n"
    "                   /metrics without the go_* names of Go's programs\n"
    "      --keep SECS  remove what ended processes left after so many\n"
    "                   seconds; default 3600\n"
    "  -h, --help       this text\n"
    "\n"
    "Paths: /debug/pprof/NAME merges all running processes and labels samples\n"
    "with pid and program; /pid/N/debug/pprof/NAME is one process, also after\n"
    "it ended; /pid/ lists them (?format=json). NAME is heap, allocs,\n"
    "goroutine (threads), threadcreate, cmdline or symbol. /metrics is for\n"
    "Prometheus, of all or below /pid/N/ of one; /sd are all as its targets.\n"
    "\n"
    "Host: a server on loopback answers only requests for localhost, loopback\n"
    "addresses, the address it was given and the names of --allow-host (on\n"
    "0.0.0.0 or [::] also for any address by number); others get 403, because\n"
    "a web page could make a browser ask under its own name (DNS rebinding).\n"
    "\n"
    "Examples:\n"
    "  weir serve\n"
    "  weir serve --http 0.0.0.0:6060     # mind who can reach it\n"
    "  weir serve --http 0.0.0.0:6060 --allow-host profiles\n"
    "  go tool pprof http://127.0.0.1:6060/pid/1234/debug/pprof/heap\n";

static const char help_diagnose[] =
    "usage: weir diagnose [options] [PID | REGION | DIR]\n"
    "       weir diagnose [options] URL\n"
    "       weir diagnose [options] BEFORE AFTER\n"
    "\n"
    "Says which kind of memory trouble a program has or died of, how certain\n"
    "that is, who did it, what would change the verdict and what to try:\n"
    "  huge         overflow by one huge request\n"
    "  sudden       overflow by sudden growth\n"
    "  leak         what survives grows steadily\n"
    "  cache        the same, but reachable: a cache without bound\n"
    "  threads, descriptors   their number rises steadily\n"
    "  fragments    the heap holds much more than is allocated\n"
    "  foreign      memory outside the heap\n"
    "  stack        a stack overflowed\n"
    "  system       the machine was short, and others took it\n"
    "  warm-up, healthy, unknown (too young)\n"
    "\n"
    "PID, REGION and DIR are as for weir report; without any it is the only\n"
    "program that runs, else the one that ended last. A program that runs is\n"
    "asked for its leaks, for which it stands still some milliseconds.\n"
    "URL is the /debug/pprof of a Go program, or of Weir elsewhere, which is\n"
    "watched for a while. BEFORE and AFTER are two heap profiles.\n"
    "\n"
    "      --no-search   do not ask for leaks\n"
    "      --for SECS    how long to watch a URL; default 30\n"
    "      --lang LANG   en or zh; default: by the locale\n"
    "  -j, --json        one JSON object per program\n"
    "  -h, --help        this text\n"
    "\n"
    "Exit status: 0 healthy, warm-up or unknown; 1 it could not be told; 2\n"
    "wrong usage; 10 huge, 11 sudden, 12 leak, 13 cache, 14 threads, 15\n"
    "descriptors, 16 fragments, 17 foreign, 18 stack, 19 system.\n"
    "\n"
    "Examples:\n"
    "  weir diagnose 4711\n"
    "  weir diagnose --for 60 http://127.0.0.1:6060\n"
    "  weir diagnose monday.pb.gz tuesday.pb.gz\n";

static const char help_report[] =
    "usage: weir report [options] [PID | REGION | DIR]\n"
    "\n"
    "Tells how a program ended and what its memory was like then, from the\n"
    "region that outlived it: killed for want of memory, by whom, in which\n"
    "control group; what was allocated and resident, the last minutes, the\n"
    "biggest and fastest growing sites, the largest requests, what happened.\n"
    "\n"
    "PID is a process, running or ended; REGION its file (<pid>.weir), also\n"
    "copied from another place; DIR a directory with regions, of which all\n"
    "that died are told. Without any: who ended last.\n"
    "\n"
    "weir run writes the same by itself when its program dies, and takes the\n"
    "region away then. Where weir run may be killed too, as in a container\n"
    "that dies as a whole, put the regions on a volume: weir run --regions.\n"
    "\n"
    "  -j, --json     one JSON object per program\n"
    "  -o, --out DIR  write PROGRAM.PID.report.txt, .report.json and the\n"
    "                 profiles PROGRAM.PID.heap.pb.gz and .allocs.pb.gz, too\n"
    "  -h, --help     this text\n"
    "\n"
    "Examples:\n"
    "  weir report\n"
    "  weir report /var/lib/shop/regions\n"
    "  weir report --out evidence 4711.weir && weir top "
    "evidence/*.heap.pb.gz\n";

static const char help_ps[] =
    "usage: weir ps [--json]\n"
    "\n"
    "Lists the programs of this user that run under Weir: pid, name, time\n"
    "since the start, bytes allocated now, resident memory, growth of what\n"
    "is allocated in the last minute, resident share of the memory limit (of\n"
    "the control group), signs of trouble, and the address that serves it.\n"
    "- stands for none, or not known yet.\n"
    "\n"
    "Signs: growing, the least it held rose in each fifth of the last ten\n"
    "minutes; refused, the system refused it memory; limit, it has nine\n"
    "tenths of its limit.\n"
    "\n"
    "  -j, --json  an array of objects: pid, program, uptime_s, heap_bytes,\n"
    "              rss_bytes, sample_bytes, address, region,\n"
    "              growth_bytes_per_min and limit_bytes (null: not known,\n"
    "              none), signs (growing, map_failures, near_limit)\n"
    "  -h, --help  this text\n"
    "\n"
    "Examples:\n"
    "  weir ps\n"
    "  weir ps --json | jq '.[] | select(.heap_bytes > 1e9)'\n";

/* Where a profile is, and the options of every command that reads one. */
#define HELP_PLACES                                                            \
    "PID is a process under Weir, running or ended; without any, the only\n"   \
    "one that runs; PID@-10m is what it held ten minutes ago. URL is\n"        \
    "http://HOST:PORT/PATH or unix:SOCKET (without a path:\n"                  \
    "/debug/pprof/heap). FILE is any profile that go tool pprof reads:\n"      \
    "protobuf, gzipped or not, or Go's, gperftools' and jemalloc's text; or "  \
    "a\n"                                                                      \
    "heap that WEIR=gcsnapshot=DIR has written; - is standard input. "         \
    "Several\n"                                                                \
    "are added up.\n"

#define HELP_OPTIONS                                                           \
    "Which values (as go tool pprof; -focus=X, -focus X and --focus X):\n"     \
    "  -i, -sample_index NAME  inuse_space, alloc_objects, cpu, ... or "       \
    "their\n"                                                                  \
    "                          number; default: the profile's own\n"           \
    "  -base FILE              take this profile off; -diff_base: and show\n"  \
    "                          percentages of it; -normalize: scale to it\n"   \
    "  -seconds N              what changes in N seconds, of a PID or URL\n"   \
    "  -ages                   of a PID or URL: what is alive has the label\n" \
    "                          age, for -tagfocus age=1min: and weir tags\n"   \
    "\n"                                                                       \
    "Which samples and frames (regular expressions as in Go):\n"               \
    "  -focus RE, -ignore RE   only stacks with such a function or file, or\n" \
    "                          none of them\n"                                 \
    "  -hide RE, -show RE      leave such frames out, or all others\n"         \
    "  -show_from RE           leave out what called the outermost such\n"     \
    "  -tagfocus T, -tagignore T\n"                                            \
    "                          samples by label: RE, KEY=RE, 32kb:64kb, ...\n" \
    "  -tagshow RE, -taghide RE\n"                                             \
    "                          labels by key\n"                                \
    "\n"                                                                       \
    "How they are shown:\n"                                                    \
    "  -c, -cum                sort by cum instead of flat\n"                  \
    "  -functions, -filefunctions, -files, -lines, -addresses\n"               \
    "                          what a row is; default: functions\n"            \
    "  -n, -nodecount N        at most so many rows; 0: all\n"                 \
    "  -nodefraction F, -edgefraction F, -trim=false\n"                        \
    "                          leave out what is less than this part of "      \
    "all;\n"                                                                   \
    "                          default 0.005 and 0.001\n"                      \
    "  -unit U, -divide_by N   values in kB, ms, ...; smaller by N\n"          \
    "  -noinlines              inlined functions count as their caller\n"      \
    "  -drop_negative          leave out what shrank\n"                        \
    "  -relative_percentages   of what the filters leave\n"                    \
    "  -source_path DIRS, -trim_path DIRS\n"                                   \
    "                          where sources are; what to cut off their "      \
    "names\n"                                                                  \
    "  -symbolize=none         do not look for names that are missing\n"       \
    "  -h, --help              this text\n"

static const char help_watch[] =
    "usage: weir watch [options] [PID]\n"
    "\n"
    "Shows a process under Weir live in the terminal: what it holds, its\n"
    "resident memory and how fast it allocates, with the last ten minutes,\n"
    "also those before it was watched; and the lines of code that hold most,\n"
    "with what changed. Without PID: the only one that runs, or the one that\n"
    "is chosen from a list. ? lists the keys.\n"
    "When the program ends, what it held last stays on show.\n"
    "\n"
    "Where stdout is no terminal, or TERM is dumb, it prints text instead,\n"
    "again and again until the program ends.\n"
    "\n"
    "  -n, --interval SECS  time between two looks, 0.1 and more; default 1\n"
    "  -s, --sort KEY       inuse, change, blocks, allocs or name; default\n"
    "                       inuse\n"
    "  -1, --once           print it once, as text\n"
    "  -j, --json           print an object, a line for each look: v, pid,\n"
    "                       program, running, uptime_s, live_bytes,\n"
    "                       rss_bytes, threads, sample_bytes,\n"
    "                       alloc_bytes_per_s, growth_bytes_per_min,\n"
    "                       limit_bytes, signs (as of weir ps), history (with\n"
    "                       --once) and sites\n"
    "  -h, --help           this text\n"
    "\n"
    "NO_COLOR turns colours off.\n"
    "\n"
    "Examples:\n"
    "  weir watch\n"
    "  weir watch --sort change 1234\n"
    "  weir watch --once --json 1234 | jq '.sites[0]'\n";

static const char help_top[] =
    "usage: weir top [options] [PID | URL | FILE]...\n"
    "\n"
    "Shows the biggest sites of a profile: flat is what a function holds\n"
    "itself, cum what it and all it called hold. Shows ten unless told.\n"
    "\n" HELP_PLACES "\n"
    "  -j, --json              the rows as JSON, see weir-top(1)\n"
    "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir top\n"
    "  weir top -cum -n 20 1234\n"
    "  weir top -i alloc_space http://127.0.0.1:6060/debug/pprof/heap\n"
    "  weir top -base before.pb.gz after.pb.gz\n";

static const char help_flame[] =
    "usage: weir flame [options] [PID | URL | FILE]\n"
    "       weir flame [options] BEFORE AFTER\n"
    "\n"
    "Writes a flame graph as one HTML file that needs nothing else: every\n"
    "stack from the root on, each frame as wide as what it and all it called\n"
    "hold. Of two profiles it shows what grew (red) and shrank (blue).\n"
    "\n"
    "  -o, --output FILE      where to; - for standard output; default\n"
    "                         weir-flame.html\n"
    "      --svg              a picture without script: weir-flame.svg\n"
    "      --folded           lines \"main;f;g 1024\", for flamegraph.pl and\n"
    "                         others, to standard output\n"
    "      --speedscope       for speedscope.app: weir-flame.speedscope.json\n"
    "      --pprof            pprof's format: weir-flame.pb.gz\n"
    "      --json             top table and samples, see weir-flame(1), to\n"
    "                         standard output\n"
    "  -i, -sample_index NAME which values: inuse_space, alloc_space, ...\n"
    "  -lines                 a frame is a line, not a function\n"
    "  -focus, -ignore, -hide, -show, -base and others: see weir help top\n"
    "  -h, --help             this text\n"
    "\n"
    "Examples:\n"
    "  weir flame\n"
    "  weir flame -o growth.html 4711@-10m 4711\n"
    "  weir flame --folded profile.pb.gz | flamegraph.pl >graph.svg\n";

static const char help_diff[] =
    "usage: weir diff [options] BEFORE AFTER\n"
    "\n"
    "Shows which functions hold more in one profile than in another, and\n"
    "which less, the biggest change first. Each is a FILE, a URL, a PID under\n"
    "Weir or PID@-10m, what it held ten minutes ago.\n"
    "\n"
    "      --fail-if COND     end with status 3 when the condition holds; any\n"
    "                         number of times. [TYPE] > >= < <= NUMBER [UNIT]\n"
    "                         of the change when the number has a sign:\n"
    "                         'inuse>+1MiB', 'inuse_objects>=+5%'; of what\n"
    "                         is there after without: 'inuse>64MiB'\n"
    "  -n, --number N         rows, default 20; 0 for all\n"
    "  -c, --cum              sort by the change of cum instead of flat\n"
    "  -j, --json             JSON, with all rows; see weir-diff(1)\n"
    "  -i, -sample_index NAME which values: inuse_space, alloc_space, ...\n"
    "  -focus, -ignore, -hide, -show and others: see weir help top\n"
    "  -h, --help             this text\n"
    "\n"
    "Examples:\n"
    "  weir diff before.pb.gz after.pb.gz\n"
    "  weir diff 4711@-10m 4711\n"
    "  weir diff --fail-if 'inuse>+1MiB' main.pb.gz branch.pb.gz\n";

static const char help_benchstat[] =
    "usage: weir benchstat [options] OLD [NEW]...\n"
    "\n"
    "Compares benchmarks: files in Go's format, as programs with weir/bench.h\n"
    "and go test -bench write them, best with -count 10. Shows the median of\n"
    "each with its 95% bounds, and its change when chance does not explain\n"
    "that (Mann-Whitney U test), else ~. Verdicts are those of Go's "
    "benchstat.\n"
    "LABEL=FILE names a column; - is standard input.\n"
    "\n"
    "      --alpha P         a change is one when p is not above it; 0.05\n"
    "  -b, --bench REGEXP    only benchmarks whose names match\n"
    "      --confidence C    of the bounds; 0.95\n"
    "      --csv             comma-separated values, as Go's benchstat\n"
    "      --fail-if-worse PERCENT\n"
    "                        end with status 3 when one is worse by more\n"
    "      --ignore KEYS     lines \"key: value\" that make no table of their\n"
    "                        own: --ignore cpu,pkg\n"
    "  -j, --json            JSON; see weir-benchstat(1)\n"
    "      --unit UNIT       only this one: sec/op, B/op, allocs/op, ...\n"
    "  -h, --help            this text\n"
    "\n"
    "Examples:\n"
    "  ./bench -count 10 >new.txt && weir benchstat old.txt new.txt\n"
    "  weir benchstat --fail-if-worse 5 --unit allocs/op old.txt new.txt\n";

static const char help_test[] =
    "usage: weir test --memory --expect COND [options] [--] program "
    "[arguments]\n"
    "       weir test --memory --expect COND [options] --from FILE\n"
    "\n"
    "Runs a program of benchmarks (weir/bench.h) on Weir's heap, which counts\n"
    "what they allocate, and ends with status 3 when that is not as expected.\n"
    "\n"
    "  -e, --expect COND       [NAME:] UNIT OP NUMBER, any number of times:\n"
    "                          'allocs/op <= 0', 'Parse: B/op < 4K', or\n"
    "                          'live after == live before'. NAME is a regular\n"
    "                          expression, UNIT one of the results, OP one of\n"
    "                          <= < >= > == !=\n"
    "  -f, --expect-file FILE  conditions, one a line; # begins a remark\n"
    "      --from FILE         results that are there already; - is standard\n"
    "                          input\n"
    "      --junit FILE        JUnit's XML: a test for each condition and\n"
    "                          benchmark\n"
    "  -j, --json              JSON on stdout, the program's output on stderr\n"
    "      --memory            what is tested; nothing else can be\n"
    "  -h, --help              this text\n"
    "\n"
    "Live is measured with the program's option -benchlive.\n"
    "\n"
    "Examples:\n"
    "  weir test --memory -e 'allocs/op <= 0' -- ./bench -bench Fast\n"
    "  weir test --memory -f memory.txt --junit memory.xml -- ./bench "
    "-benchlive\n";

static const char help_tree[] =
    "usage: weir tree [options] [PID | URL | FILE]...\n"
    "\n"
    "Shows each site between those that called it (above) and those it\n"
    "called (below), with what went that way.\n"
    "\n" HELP_PLACES "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir tree -focus parse 1234\n"
    "  weir tree -lines -n 20 server.1234.heap.pb.gz\n";

static const char help_peek[] =
    "usage: weir peek [options] PATTERN [PID | URL | FILE]...\n"
    "\n"
    "Shows who called the functions that match PATTERN, a regular expression\n"
    "as in Go, and whom they called, however small.\n"
    "\n" HELP_PLACES "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir peek '^zmalloc$' 1234\n"
    "  weir peek -i alloc_objects 'std::string' server.1234.heap.pb.gz\n";

static const char help_list[] =
    "usage: weir list [options] PATTERN [PID | URL | FILE]...\n"
    "\n"
    "Shows the source of the functions that match PATTERN, a regular\n"
    "expression as in Go, with what each line holds itself and with all it\n"
    "called. Sources are looked for where the profile says and, without the\n"
    "directories that -trim_path names, in those of -source_path and all\n"
    "above them; default: the working directory.\n"
    "\n" HELP_PLACES "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir list '^grow$' 1234\n"
    "  weir list -source_path ~/src/server parse server.1234.heap.pb.gz\n";

static const char help_traces[] =
    "usage: weir traces [options] [PID | URL | FILE]...\n"
    "\n"
    "Shows every stack of a profile with its labels and its value.\n"
    "\n" HELP_PLACES "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir traces -focus grow 1234\n"
    "  weir traces -lines -tagfocus bytes=1mb: server.1234.heap.pb.gz\n";

static const char help_tags[] =
    "usage: weir tags [options] [PID | URL | FILE]...\n"
    "\n"
    "Shows the labels of a profile, such as the sizes of blocks or the pids\n"
    "of processes, and how much has each of them.\n"
    "\n" HELP_PLACES "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir tags 1234\n"
    "  weir tags -tagshow pid http://127.0.0.1:6060/debug/pprof/heap\n";

static const char help_raw[] =
    "usage: weir raw [options] [PID | URL | FILE]...\n"
    "\n"
    "Shows all that is in a profile: samples by the numbers of their\n"
    "locations, locations, mappings.\n"
    "\n" HELP_PLACES "\n" HELP_OPTIONS "\n"
    "Examples:\n"
    "  weir raw server.1234.heap.pb.gz\n";
static const char help_budgets[] =
    "usage: weir budgets [--json] [PID]\n"
    "\n"
    "Lists the budgets of a program (see weir_budget_new in weir(3)), each\n"
    "below the one around it: what is used of its limit, the most that ever\n"
    "was, what is reserved by hand, what threads inside hold, and how often\n"
    "something was refused because of it.\n"
    "Without a PID: the only program that runs under Weir.\n"
    "\n"
    "  -j, --json  an array of objects: name, depth, limit_bytes (null: none\n"
    "              of its own), used_bytes, peak_bytes, reserved_bytes,\n"
    "              held_bytes, allocated_bytes, refused\n"
    "  -h, --help  this text\n"
    "\n"
    "Examples:\n"
    "  weir budgets 4711\n"
    "  weir budgets --json | jq '.[] | select(.refused > 0)'\n";

static const char help_pools[] =
    "usage: weir pools [--json] [PID]\n"
    "\n"
    "Lists the pools and caches of a program (see weir-kit(3), and\n"
    "weir_meter_of in weir(3)): how often what was asked for was there, what\n"
    "was dropped, expired and given back, and what is held now.\n"
    "Without a PID: the only program that runs under Weir.\n"
    "\n"
    "  -j, --json  an array of objects: kind (\"pool\", \"cache\"), name, "
    "hits,\n"
    "              misses, dropped, expired, shrunk, items, bytes (null: not\n"
    "              known)\n"
    "  -h, --help  this text\n"
    "\n"
    "Examples:\n"
    "  weir pools 4711\n"
    "  weir pools --json | jq '.[] | select(.misses > .hits)'\n";

static const char help_fds[] =
    "usage: weir fds [options] [PID]\n"
    "\n"
    "Lists the open descriptors of a program by who opened them, how long "
    "ago,\n"
    "and which sites open more and more.\n"
    "Without a PID: the only program that runs under Weir.\n"
    "\n"
    "  -a, --all           every site and every descriptor\n"
    "      --json          JSON, with all of them\n"
    "      --pprof FILE    write them as a profile too, for weir flame\n"
    "  -h, --help          this text\n"
    "\n"
    "Examples:\n"
    "  weir fds 4711\n"
    "  weir fds --json 4711 | jq '.sites[] | select(.growth.growing)'\n";

static const char help_threads[] =
    "usage: weir threads [options] [PID]\n"
    "\n"
    "Lists the threads of a program by where they are, since when they have\n"
    "not run, and who made them; those that can never go on, for they wait\n"
    "for each other's mutexes; and those that ended and were never joined.\n"
    "Without a PID: the only program that runs under Weir.\n"
    "\n"
    "  -a, --all           every stack and every thread\n"
    "      --fail-on-deadlock\n"
    "                      end with status 3 when a thread can never go on\n"
    "      --json          JSON, with all of them\n"
    "  -h, --help          this text\n"
    "\n"
    "Examples:\n"
    "  weir threads 4711\n"
    "  weir threads --json 4711 | jq '.threads[] | select(.still_s > 600)'\n";

static const char help_leaks[] =
    "usage: weir leaks [options] [PID | FILE]\n"
    "\n"
    "Finds the memory of a program that it cannot reach any more:\n"
    "no global, no thread and no other block has an address of it. The\n"
    "program stands still for some milliseconds; the search runs in a copy.\n"
    "Without a PID: the only program that runs under Weir. Of one that has\n"
    "ended: what it found then (WEIR=leaks=exit). Of the core of one that had\n"
    "Weir in it: the same, not proved, for a core has not what the kernel "
    "kept.\n"
    "\n"
    "  -a, --all           every site and every block, not just the biggest\n"
    "      --fail-on-leak  end with status 3 when there is a leak\n"
    "      --in-place      make no copy: the program stands still meanwhile,\n"
    "                      which else happens where a copy cannot be had or\n"
    "                      could use up the memory that is left\n"
    "      --json          JSON, with all sites and blocks\n"
    "      --junit FILE    write JUnit's XML too: a failed test for each site\n"
    "      --mark          remember, in the program, what is lost now\n"
    "      --since-mark    leave out what was lost at the mark\n"
    "      --only-copy     never in place, but not at all\n"
    "      --pprof FILE    write the leaks as a profile too, for weir flame\n"
    "      --suppressions FILE\n"
    "                      LeakSanitizer's format: leak:TEXT a line, for\n"
    "                      functions, source files and modules\n"
    "      --suspects      what the program can reach, and grows without end\n"
    "      --no-search     with --suspects: do not search for leaks first\n"
    "  -h, --help          this text\n"
    "\n"
    "Numbers are exact. The stack is known of blocks that were sampled: run\n"
    "with weir run --sample 1 to know all of them.\n"
    "\n"
    "Examples:\n"
    "  weir leaks 4711\n"
    "  weir leaks --fail-on-leak --suppressions lsan.supp 4711\n"
    "  weir leaks --suspects 4711\n"
    "  weir leaks core.4711\n";

static const char help_why[] =
    "usage: weir why [options] [PID | FILE] ADDRESS\n"
    "       weir why [options] [PID | FILE] SITE\n"
    "\n"
    "Shows who keeps memory of a running program alive: the path from a\n"
    "global variable (or a thread's storage, stack or registers, or mapped\n"
    "memory) to a block, pointer by pointer. Without PID: of the only\n"
    "program. FILE is the core file of a program that had Weir in it, or a\n"
    "heap that WEIR=gcsnapshot=DIR has written.\n"
    "\n"
    "ADDRESS, like 0x7f52e4a01230, is any of the block's: its shortest path,\n"
    "and how much would be free if it were gone. SITE is a regular expression\n"
    "for functions and source files: in which ways the blocks are kept that\n"
    "were allocated there, as far as they were sampled.\n"
    "\n"
    "  -a, --all   every way, not only the five that keep most\n"
    "      --json  for programs; weir-why(1) tells the schema\n"
    "  -h, --help  this text\n"
    "\n"
    "Any word that could be an address counts as one: a path may lead through\n"
    "a number that only looks like an address.\n"
    "\n"
    "Examples:\n"
    "  weir why 4711 dictAddRaw\n"
    "  weir why 4711 0x7f52e4a01230\n";

static const char help_retained[] =
    "usage: weir retained [options] [PID | FILE]\n"
    "\n"
    "Shows how much memory each root of a running program keeps alive, and "
    "how\n"
    "much what was allocated at each site does: with all that hangs off it "
    "and\n"
    "would be free if it were gone. Without PID: of the only program. FILE is\n"
    "the core file of a program that had Weir in it, or a heap that\n"
    "WEIR=gcsnapshot=DIR has written.\n"
    "\n"
    "  -a, --all         all roots and sites, not only the first 15\n"
    "      --json        for programs; weir-retained(1) tells the schema\n"
    "      --html FILE   write a flame graph: who keeps whom alive\n"
    "      --svg FILE    the same as a picture\n"
    "      --pprof FILE  the same as a profile, for weir top or go tool pprof\n"
    "  -h, --help        this text\n"
    "\n"
    "Examples:\n"
    "  weir retained 4711\n"
    "  weir retained --html kept.html 4711\n";

static const char help_whois[] =
    "usage: weir whois [options] [PID | FILE] ADDRESS\n"
    "\n"
    "Tells what an address of a running program is: a block (live or free, "
    "its\n"
    "size, how far inside, who allocated it), a global variable, a frame of a\n"
    "thread's stack, thread-local storage, code, a mapping, Weir's own "
    "memory,\n"
    "or nothing. Without PID: of the only program. FILE is the core file of a\n"
    "program that had Weir in it, or a heap that WEIR=gcsnapshot=DIR has "
    "written.\n"
    "\n"
    "      --json  for programs; weir-whois(1) tells the schema\n"
    "  -h, --help  this text\n"
    "\n"
    "Examples:\n"
    "  weir whois 4711 0x7f52e4a01230\n";

static const char help_record[] =
    "usage: weir record-allocs -o FILE [options] [--] program [arguments]\n"
    "\n"
    "Runs a program and writes every call of malloc, free and their family\n"
    "into FILE, for bench_alloc replay. The program keeps its own malloc.\n"
    "Further processes, and programs that it becomes by exec, write files\n"
    "of their own: FILE.PID, FILE.PID.2 and so on. A file that exists is\n"
    "never overwritten.\n"
    "\n"
    "  -o, --out FILE  the trace; about five bytes a call\n"
    "  -q, --quiet     no list of what was written, only errors\n"
    "  -h, --help      this text\n"
    "\n"
    "Exit status: as of weir run.\n"
    "\n"
    "Examples:\n"
    "  weir record-allocs -o python.trace -- python3 script.py\n";

static const char help_version[] = "usage: weir version\n"
                                   "\n"
                                   "Prints the version.\n";

static const char help_help[] =
    "usage: weir help [COMMAND]\n"
    "\n"
    "Explains a command, the same as weir COMMAND --help.\n";

const struct wr_command wr_commands[] = {
    {"run", wr_cmd_run, "run a program and record who holds its memory",
     help_run},
    {"ps", wr_cmd_ps, "list programs running under Weir", help_ps},
    {"watch", wr_cmd_watch, "one of them live in the terminal", help_watch},
    {"top", wr_cmd_top, "the biggest sites of a process, URL or file",
     help_top},
    {"flame", wr_cmd_flame, "write a flame graph, or what changed as one",
     help_flame},
    {"diff", wr_cmd_diff, "compare two profiles; fail when memory grew",
     help_diff},
    {"benchstat", wr_cmd_benchstat, "compare benchmarks; is it chance?",
     help_benchstat},
    {"test", wr_cmd_test, "fail when benchmarks allocate too much", help_test},
    {"tree", wr_cmd_tree, "sites between their callers and callees", help_tree},
    {"peek", wr_cmd_peek, "who called a function, and whom it called",
     help_peek},
    {"list", wr_cmd_list, "source lines of a function with what they hold",
     help_list},
    {"traces", wr_cmd_traces, "every stack of a profile", help_traces},
    {"tags", wr_cmd_tags, "labels of a profile, and what has them", help_tags},
    {"raw", wr_cmd_raw, "all that is in a profile", help_raw},
    {"diagnose", wr_cmd_diagnose, "which kind of memory trouble it is, if any",
     help_diagnose},
    {"report", wr_cmd_report, "how a program ended, and its memory then",
     help_report},
    {"leaks", wr_cmd_leaks, "memory that a program cannot reach any more",
     help_leaks},
    {"budgets", wr_cmd_budgets, "what a program has set aside, and refused",
     help_budgets},
    {"pools", wr_cmd_pools, "what a program's pools and caches do", help_pools},
    {"threads", wr_cmd_threads, "where threads are, and since when",
     help_threads},
    {"fds", wr_cmd_fds, "open descriptors, and who opened them", help_fds},
    {"why", wr_cmd_why, "who keeps a block, or a site's blocks, alive",
     help_why},
    {"retained", wr_cmd_retained, "how much each root and site keeps alive",
     help_retained},
    {"whois", wr_cmd_whois, "what an address of a program is", help_whois},
    {"serve", wr_cmd_serve, "serve all programs of this user over HTTP",
     help_serve},
    {"record-allocs", wr_cmd_record, "write down a program's calls of malloc",
     help_record},
    {"version", wr_cmd_version, "print the version", help_version},
    {"help", wr_cmd_help, "explain a command", help_help},
    {NULL, NULL, NULL, NULL},
};

const struct wr_command *
wr_command_find(const char *name)
{
    for (const struct wr_command *c = wr_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

void
wr_help_print(FILE *out, const struct wr_command *c)
{
    if (c) {
        fputs(c->help, out);
        return;
    }
    fputs("usage: weir COMMAND [options]\n\n"
          "Shows who holds a C program's memory, live and afterwards.\n\n",
          out);
    for (c = wr_commands; c->name; c++)
        fprintf(out, "  %-13s %s\n", c->name, c->says);
    fputs("\nweir help COMMAND says more. First steps:\n"
          "  weir run -- redis-server\n"
          "  weir top\n",
          out);
}

int
wr_cmd_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return wr_usage_error("version");
    printf("weir %s\n", WEIR_VERSION);
    return 0;
}

int
wr_cmd_help(int argc, char **argv)
{
    const struct wr_command *c = argc > 1 ? wr_command_find(argv[1]) : NULL;
    if (argc > 1 && !c) {
        wr_say("there is no command \"%s\"", argv[1]);
        return wr_usage_error("help");
    }
    wr_help_print(stdout, c);
    return 0;
}
