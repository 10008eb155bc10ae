#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char name[PATH_MAX];
} path;

static int part_of(const char *name, path *part, texp_message *message)
{
    if ((size_t)snprintf(part->name, sizeof part->name, "%s.part", name) < sizeof part->name) return 0;
    return texp_say(message, "%s: file name too long", texp_path_tail(name));
}

static int say_write(texp_message *message, const char *name, int why)
{
    return texp_say(message, "%s: can't write: %s", texp_path_tail(name), strerror(why));
}

FILE *texp_file_create(const char *name, texp_message *message)
{
    path part;
    if (part_of(name, &part, message)) return NULL;
    signal(SIGXFSZ, SIG_IGN);
    FILE *file = fopen(part.name, "wb");
    if (!file) say_write(message, part.name, errno);
    return file;
}

/* Names lie in the folder: without this they may not survive a power cut. */
static void sync_folder(const char *name)
{
    path folder;
    snprintf(folder.name, sizeof folder.name, "%s", name);
    char *slash = strrchr(folder.name, '/');
    if (slash) slash[1] = 0;
    int fd = open(slash ? folder.name : ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

int texp_file_finish(FILE *file, const char *name, texp_message *message)
{
    path part;
    int bad = fflush(file) || ferror(file) || fsync(fileno(file));
    int why = errno;
    if (fclose(file) && !bad) bad = 1, why = errno;
    if (part_of(name, &part, message)) return -1;
    if (bad) {
        unlink(part.name);
        return say_write(message, name, why);
    }
    sync_folder(name);
    return 0;
}

int texp_file_rename(const char *from, const char *to, texp_message *message)
{
    if (rename(from, to)) {
        return texp_say(message, "%s: can't rename to %s: %s", texp_path_tail(from), texp_path_tail(to),
                        strerror(errno));
    }
    sync_folder(to);
    return 0;
}

int texp_file_publish(const char *name, texp_message *message)
{
    path part;
    if (part_of(name, &part, message)) return -1;
    if (rename(part.name, name)) {
        int why = errno;
        unlink(part.name);
        return say_write(message, name, why);
    }
    sync_folder(name);
    return 0;
}

void texp_file_discard(const char *name)
{
    path part;
    if (!part_of(name, &part, NULL)) unlink(part.name);
}

static int make_one_folder(const char *name)
{
    return mkdir(name, 0777) && errno != EEXIST ? -1 : 0;
}

int texp_folder_make(const char *name)
{
    path above;
    if ((size_t)snprintf(above.name, sizeof above.name, "%s", name) >= sizeof above.name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *slash = above.name + 1; *above.name && (slash = strchr(slash, '/')); ++slash) {
        *slash = 0;
        if (make_one_folder(above.name)) return -1;
        *slash = '/';
    }
    return make_one_folder(name);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

unsigned char *texp_file_read(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    unsigned char *bytes = NULL, *larger;
    size_t room = 1 << 14;
    if (!file) return NULL;
    *size = 0;
    while ((larger = realloc(bytes, room + 1))) {
        bytes = larger;
        *size += fread(bytes + *size, 1, room - *size, file);
        if (*size < room) break;
        room *= 2;
    }
    int why = !larger ? ENOMEM : ferror(file) ? errno : 0;
    fclose(file);
    if (!why) {
        bytes[*size] = 0;
        return bytes;
    }
    free(bytes);
    errno = why;
    return NULL;
}

/* ---- checksums ---------------------------------------------------------------------------------------------- */

/* table[j][b]: the remainder of byte b with j zero bytes behind it; eight bytes are then one step. */
static uint64_t table[8][256];
static pthread_once_t table_is_filled = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    const uint64_t polynomial = 0xC96C5795D7870F42u;
    for (int b = 0; b < 256; ++b) {
        uint64_t crc = (uint64_t)b;
        for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        table[0][b] = crc;
    }
    for (int j = 1; j < 8; ++j) {
        for (int b = 0; b < 256; ++b) table[j][b] = table[0][table[j - 1][b] & 255] ^ table[j - 1][b] >> 8;
    }
}

uint64_t texp_crc64(uint64_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    pthread_once(&table_is_filled, fill_table);
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t next = 0;
        for (int j = 0; j < 8; ++j) next ^= table[7 - j][(crc >> 8 * j & 255) ^ p[j]];
        crc = next;
    }
    while (n--) crc = table[0][(crc ^ *p++) & 255] ^ crc >> 8;
    return ~crc;
}

int texp_file_sum_of(const char *file, texp_file_sum *sum, texp_message *message)
{
    enum { CHUNK = 1 << 16 };
    FILE *stream = fopen(file, "rb");
    uint8_t *chunk = malloc(CHUNK);
    *sum = (texp_file_sum){0};
    size_t got = 0;
    int bad = !stream || !chunk;
    while (!bad && (got = fread(chunk, 1, CHUNK, stream))) {
        sum->crc = texp_crc64(sum->crc, chunk, got);
        sum->size += got;
    }
    bad = bad || ferror(stream);
    int why = errno;
    if (stream) fclose(stream);
    free(chunk);
    return bad ? texp_say(message, "%s: can't read: %s", texp_path_tail(file), strerror(why)) : 0;
}

int texp_file_sums_equal(texp_file_sum a, texp_file_sum b)
{
    return a.size == b.size && a.crc == b.crc;
}

texp_place texp_looked_from(const char *path)
{
    texp_place place = {""};
    char folder[PATH_MAX];
    if (*path != '/' && getcwd(folder, sizeof folder))
        snprintf(place.text, sizeof place.text, " (looked for from %.200s)", texp_path_tail(folder));
    return place;
}
