/* Invariants:
 * 1. What is read is believed only when its length is what the header makes
 *    it and its checksum is right; all indices are checked none the less where
 *    they are used, for a checksum proves no good will.
 * 2. Places are sorted by address.
 */
#include "analyse/symbol_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyse/search.h"
#include "analyse/store.h"

#define MAGIC  UINT32_C(0x4d4e5257) /* "WRNM": also says the byte order */
#define SUFFIX ".names"

struct header {
    uint32_t magic, version;
    uint32_t checksum; /* of all that follows this field */
    uint32_t segments, places, frames, text_bytes;
    uint32_t zero;
};

struct kept_place {
    uint64_t address;
    uint32_t first, count; /* in frames */
};

struct kept_frame {
    uint64_t entry;
    uint32_t name, system_name, file; /* in text */
    int32_t line;
};

struct wr_cache {
    char *bytes;
    struct header *header;
    const struct wr_code_segment *segments;
    const struct kept_place *places;
    const struct kept_frame *frames;
    const char *text;
};

/* --- Where they are ------------------------------------------------------- */

/* The directory, made if need be; false: there is none for us. */
static bool
find_directory(char path[PATH_MAX])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct stat st;
    int n = -1;
    if (cache && *cache == '/')
        n = snprintf(path, PATH_MAX - 100, "%s", cache);
    else if (home && *home == '/')
        n = snprintf(path, PATH_MAX - 100, "%s/.cache", home);
    if (n < 0 || n >= PATH_MAX - 100)
        return false;
    mkdir(path, 0700);
    strcat(path, "/weir");
    mkdir(path, 0700);
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

static bool
is_build_id(const char *text)
{
    size_t n = strlen(text);
    return n >= 8 && n <= 64 && strspn(text, "0123456789abcdef") == n;
}

static bool
path_of(const char *build_id, char path[PATH_MAX])
{
    if (!is_build_id(build_id) || !find_directory(path))
        return false;
    size_t n = strlen(path);
    snprintf(path + n, PATH_MAX - n, "/%s" SUFFIX, build_id);
    return true;
}

/* --- Reading -------------------------------------------------------------- */

static size_t
length_by(const struct header *h)
{
    return sizeof *h + h->segments * sizeof(struct wr_code_segment) +
           h->places * sizeof(struct kept_place) +
           h->frames * sizeof(struct kept_frame) + h->text_bytes;
}

static uint32_t
checksum_of(const char *bytes, size_t n)
{
    size_t from = offsetof(struct header, segments);
    return libdeflate_crc32(0, bytes + from, n - from);
}

static bool
lay_out(struct wr_cache *n, size_t length)
{
    struct header *h = n->header = (struct header *)n->bytes;
    if (length < sizeof *h || h->magic != MAGIC ||
        h->version != WR_CACHE_VERSION || length_by(h) != length ||
        h->text_bytes == 0 || n->bytes[length - 1] != '\0' ||
        h->checksum != checksum_of(n->bytes, length))
        return false;
    n->segments = (const struct wr_code_segment *)(h + 1);
    n->places = (const struct kept_place *)(n->segments + h->segments);
    n->frames = (const struct kept_frame *)(n->places + h->places);
    n->text = (const char *)(n->frames + h->frames);
    return true;
}

/* The time it was changed is when it was last used. */
static char *
read_file(const char *path, size_t *length)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    char *bytes = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size <= (off_t)WR_CACHE_MAX &&
        (bytes = malloc((size_t)st.st_size + 1)) &&
        read(fd, bytes, (size_t)st.st_size) != st.st_size) {
        free(bytes);
        bytes = NULL;
    }
    *length = bytes ? (size_t)st.st_size : 0;
    futimens(fd, NULL);
    close(fd);
    return bytes;
}

struct wr_cache *
wr_cache_load(const char *build_id)
{
    char path[PATH_MAX];
    size_t length = 0;
    if (!path_of(build_id, path))
        return NULL;
    struct wr_cache *n = calloc(1, sizeof *n);
    if (n && (n->bytes = read_file(path, &length)) && lay_out(n, length))
        return n;
    wr_cache_free(n);
    return NULL;
}

void
wr_cache_free(struct wr_cache *n)
{
    if (!n)
        return;
    free(n->bytes);
    free(n);
}

/* --- Asking --------------------------------------------------------------- */

uint64_t
wr_code_address(const struct wr_code_segment *s, uint32_t count,
                uint64_t offset)
{
    for (uint32_t i = 0; i < count; i++)
        if (offset >= s[i].offset && offset - s[i].offset < s[i].bytes)
            return offset - s[i].offset + s[i].address;
    return 0;
}

uint64_t
wr_cache_address(const struct wr_cache *n, uint64_t offset)
{
    return wr_code_address(n->segments, n->header->segments, offset);
}

static uint64_t
place_start(const void *places, size_t i)
{
    return ((const struct kept_place *)places)[i].address;
}

static const char *
text_at(const struct wr_cache *n, uint32_t at)
{
    return at < n->header->text_bytes ? n->text + at : "";
}

static int
frames_of(const struct wr_cache *n, const struct kept_place *p,
          struct wr_frame f[WR_DWARF_FRAMES])
{
    uint32_t all = n->header->frames;
    if (p->count > WR_DWARF_FRAMES || p->first > all ||
        p->count > all - p->first)
        return -1;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct kept_frame *k = &n->frames[p->first + i];
        f[i] = (struct wr_frame){.name = text_at(n, k->name),
                                 .system_name = text_at(n, k->system_name),
                                 .file = text_at(n, k->file),
                                 .line = k->line,
                                 .entry = k->entry};
    }
    return (int)p->count;
}

int
wr_cache_frames(const struct wr_cache *n, uint64_t address,
                struct wr_frame f[WR_DWARF_FRAMES])
{
    size_t i =
        wr_search_before(n->places, n->header->places, place_start, address);
    if (i == 0 || n->places[i - 1].address != address)
        return -1;
    return frames_of(n, &n->places[i - 1], f);
}

/* --- Writing -------------------------------------------------------------- */

/* What is being gathered. The texts are in a profile's table of strings, which
 * knows how to keep each once. */
struct gathered {
    struct kept_place *places;
    struct kept_frame *frames;
    uint32_t place_count, frame_count, frame_capacity;
    struct wr_profile *texts;
    uint32_t *text_at; /* of each string, in the file */
    bool failed;
};

static void
gather_frames(struct gathered *g, const struct wr_frame *f, uint32_t count)
{
    if (g->frame_count + count > g->frame_capacity) {
        uint32_t more = (g->frame_capacity + count) * 2;
        struct kept_frame *bigger = realloc(g->frames, more * sizeof *bigger);
        if (!bigger) {
            g->failed = true;
            return;
        }
        g->frames = bigger;
        g->frame_capacity = more;
    }
    for (uint32_t i = 0; i < count; i++)
        g->frames[g->frame_count++] = (struct kept_frame){
            f[i].entry, wr_profile_string(g->texts, f[i].name),
            wr_profile_string(g->texts, f[i].system_name),
            wr_profile_string(g->texts, f[i].file), (int32_t)f[i].line};
}

static void
gather(struct gathered *g, uint64_t address, const struct wr_frame *frames,
       uint32_t count)
{
    g->places[g->place_count++] =
        (struct kept_place){address, g->frame_count, count};
    gather_frames(g, frames, count);
}

static int
by_address(const void *a, const void *b)
{
    const struct wr_place *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

/* Both lists by address, as one. */
static void
gather_all(struct gathered *g, const struct wr_cache *old,
           const struct wr_place *new, uint32_t count)
{
    uint32_t i = 0, k = 0, kept = old ? old->header->places : 0;
    struct wr_frame f[WR_DWARF_FRAMES];
    while ((i < kept || k < count) && g->place_count < WR_CACHE_PLACES) {
        if (k < count &&
            (i >= kept || new[k].address <= old->places[i].address)) {
            i += i < kept && new[k].address == old->places[i].address;
            gather(g, new[k].address, new[k].frames, new[k].count);
            k++;
        } else {
            int n = frames_of(old, &old->places[i], f);
            if (n >= 0)
                gather(g, old->places[i].address, f, (uint32_t)n);
            i++;
        }
    }
}

static uint32_t
place_texts(struct gathered *g)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->texts->string_count; i++) {
        g->text_at[i] = at;
        at += (uint32_t)strlen(g->texts->strings[i]) + 1;
    }
    for (uint32_t i = 0; i < g->frame_count; i++) {
        struct kept_frame *f = &g->frames[i];
        f->name = g->text_at[f->name];
        f->system_name = g->text_at[f->system_name];
        f->file = g->text_at[f->file];
    }
    return at;
}

static char *
add_bytes(char *to, const void *from, size_t n)
{
    if (n)
        memcpy(to, from, n);
    return to + n;
}

/* The file's bytes; NULL: no memory. */
static char *
assemble(struct gathered *g, const struct wr_found *found, size_t *length)
{
    struct header h = {.magic = MAGIC,
                       .version = WR_CACHE_VERSION,
                       .segments = found->segment_count,
                       .places = g->place_count,
                       .frames = g->frame_count,
                       .text_bytes = place_texts(g)};
    *length = length_by(&h);
    char *bytes = malloc(*length), *to = bytes;
    if (!bytes)
        return NULL;
    to = add_bytes(to, &h, sizeof h);
    to = add_bytes(to, found->segments,
                   found->segment_count * sizeof *found->segments);
    to = add_bytes(to, g->places, g->place_count * sizeof *g->places);
    to = add_bytes(to, g->frames, g->frame_count * sizeof *g->frames);
    for (uint32_t i = 0; i < g->texts->string_count; i++)
        to = add_bytes(to, g->texts->strings[i],
                       strlen(g->texts->strings[i]) + 1);
    ((struct header *)bytes)->checksum = checksum_of(bytes, *length);
    return bytes;
}

static void
write_file(const char *path, const char *bytes, size_t n)
{
    char made[PATH_MAX + 8];
    snprintf(made, sizeof made, "%s.XXXXXX", path);
    int fd = mkostemp(made, O_CLOEXEC);
    if (fd < 0)
        return;
    bool whole = write(fd, bytes, n) == (ssize_t)n;
    whole = close(fd) == 0 && whole;
    if (!whole || rename(made, path) != 0)
        unlink(made);
}

/* --- How much there is ---------------------------------------------------- */

struct kept_file {
    struct timespec used;
    off_t bytes;
    char name[96];
};

static int
by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct kept_file *)a)->used;
    const struct timespec *y = &((const struct kept_file *)b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Ours, also what a writer that was killed left: "BUILDID.names.XXXXXX". */
static bool
is_ours(const char *name)
{
    return strlen(name) < sizeof((struct kept_file *)0)->name &&
           strstr(name, SUFFIX) != NULL;
}

static size_t
list_files(int dir, struct kept_file **files, off_t *bytes)
{
    size_t count = 0, capacity = 0;
    DIR *d = fdopendir(dup(dir));
    struct stat st;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!is_ours(e->d_name) ||
            fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            void *bigger = realloc(*files, capacity * sizeof **files);
            if (!bigger)
                break;
            *files = bigger;
        }
        struct kept_file *f = &(*files)[count++];
        *f = (struct kept_file){.used = st.st_mtim, .bytes = st.st_size};
        strcpy(f->name, e->d_name);
        *bytes += st.st_size;
    }
    if (d)
        closedir(d);
    return count;
}

/* Below the limit by a quarter, so that this is not done each time. */
static void
make_room(void)
{
    char path[PATH_MAX];
    struct kept_file *files = NULL;
    off_t bytes = 0;
    int dir = find_directory(path)
                  ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                  : -1;
    if (dir < 0)
        return;
    size_t n = list_files(dir, &files, &bytes);
    if (bytes > (off_t)WR_CACHE_MAX) {
        qsort(files, n, sizeof *files, by_use);
        for (size_t i = 0; i < n && bytes > (off_t)WR_CACHE_MAX / 4 * 3; i++)
            if (unlinkat(dir, files[i].name, 0) == 0)
                bytes -= files[i].bytes;
    }
    free(files);
    close(dir);
}

static bool
gather_init(struct gathered *g, const struct wr_cache *old, uint32_t count)
{
    size_t most = (size_t)count + (old ? old->header->places : 0);
    g->places = malloc((most + 1) * sizeof *g->places);
    g->texts = wr_profile_new();
    return g->places && g->texts;
}

static void
gather_fini(struct gathered *g)
{
    free(g->text_at);
    free(g->places);
    free(g->frames);
    wr_profile_free(g->texts);
}

/* The file's bytes; NULL: no memory. */
static char *
make_file(const struct wr_cache *old, const struct wr_found *found,
          size_t *length)
{
    struct gathered g = {0};
    char *bytes = NULL;
    if (gather_init(&g, old, found->count)) {
        qsort(found->places, found->count, sizeof *found->places, by_address);
        gather_all(&g, old, found->places, found->count);
        g.text_at = malloc(g.texts->string_count * sizeof *g.text_at);
        if (!g.failed && !g.texts->failed && g.text_at)
            bytes = assemble(&g, found, length);
    }
    gather_fini(&g);
    return bytes;
}

void
wr_cache_save(const char *build_id, const struct wr_cache *old,
              const struct wr_found *found)
{
    char path[PATH_MAX];
    size_t length = 0;
    if (!path_of(build_id, path))
        return;
    char *bytes = make_file(old, found, &length);
    if (bytes && length <= WR_CACHE_MAX / 8) {
        write_file(path, bytes, length);
        make_room();
    }
    free(bytes);
}
