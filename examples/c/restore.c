/*
 * restore.c - the documented restore walk-through
 *
 *   cc restore.c $(pkg-config --cflags --libs ntdsbcli) -o restore
 *   ./restore SERVER FROMDIR
 *
 * FROMDIR is what backup.c made. The service must run in restore mode; when this program has
 * succeeded, start it normally.
 */
#include <dirent.h>
#include <ntdsbcli.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dsbx.h>

enum { TOKEN_MAX = 4096, PATH_SIZE = 4096, FILES_MAX = 4096, MAP_MAX = 14 };

struct saved {
    unsigned type;
    char name[256];
    char path[1024]; /* where it was backed up from */
};

struct places {
    char databases[MAP_MAX][1024];
    int database_count;
    char logs[1024];
    char checkpoint[1024];
};

static struct saved files[FILES_MAX];
static int file_count;
static unsigned char token[TOKEN_MAX];
static DWORD token_size;
static char buffer[65536];

static HRESULT report(const char *what, HRESULT hr)
{
    char text[512];
    DsbxResultText(hr, text, sizeof text);
    fprintf(stderr, "%s: %s\n", what, text);
    return hr;
}

static const char *file_name(const char *path)
{
    const char *name = strrchr(path, '\\');
    return name != NULL ? name + 1 : path;
}

static FILE *open_saved(const char *directory, const char *name)
{
    char path[PATH_SIZE];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
    }
    return file;
}

static int load(const char *directory)
{
    char line[1400];
    FILE *file = open_saved(directory, "token");
    if (file == NULL) {
        return 0;
    }
    token_size = (DWORD)fread(token, 1, sizeof token, file);
    fclose(file);
    file = open_saved(directory, "list.txt");
    if (file == NULL) {
        return 0;
    }
    while (file_count < FILES_MAX && fgets(line, sizeof line, file) != NULL) {
        struct saved *saved = &files[file_count];
        if (sscanf(line, "%x %255s %1023[^\n]", &saved->type, saved->name, saved->path) != 3) {
            fprintf(stderr, "%s/list.txt: line %d is unreadable\n", directory, file_count + 1);
            fclose(file);
            return 0;
        }
        file_count++;
    }
    fclose(file);
    return 1;
}

/* Where files go, by type. */
static HRESULT locate(HBC hbc, struct places *places)
{
    LPSTR list = NULL;
    DWORD size = 0;
    const char *entry;
    HRESULT hr = DsRestoreGetDatabaseLocationsA(hbc, &list, &size);
    if (hr != hrNone) {
        return report("DsRestoreGetDatabaseLocations", hr);
    }
    for (entry = list; *entry != '\0'; entry += strlen(entry) + 1) {
        if (entry[0] == (char)BFT_NTDS_DATABASE && places->database_count < MAP_MAX) {
            snprintf(places->databases[places->database_count++], 1024, "%s", entry + 1);
        } else if (entry[0] == (char)BFT_LOG_DIR) {
            snprintf(places->logs, sizeof places->logs, "%s", entry + 1);
        } else if (entry[0] == (char)BFT_CHECKPOINT_DIR) {
            snprintf(places->checkpoint, sizeof places->checkpoint, "%s", entry + 1);
        }
    }
    DsBackupFree(list);
    return hrNone;
}

/* The destination of a database: the one of the same name, else where it came from. */
static const char *destination(const struct places *places, const struct saved *database)
{
    int i;
    for (i = 0; i < places->database_count; i++) {
        if (strcmp(file_name(places->databases[i]), database->name) == 0) {
            return places->databases[i];
        }
    }
    return database->path;
}

static HRESULT do_register(HBC hbc, struct places *places)
{
    EDB_RSTMAPA map[MAP_MAX];
    LONG count = 0;
    ULONG low = 0, high = 0;
    int i;
    for (i = 0; i < file_count; i++) {
        if (files[i].type == 0x44 && count < MAP_MAX) {
            map[count].szDatabaseName = files[i].path;
            map[count].szNewDatabaseName = (CHAR *)destination(places, &files[i]);
            count++;
        } else if (files[i].type == 0x21) {
            /* edb0001F.log: the generation is the hexadecimal number after the base name. */
            ULONG generation = (ULONG)strtoul(files[i].name + 3, NULL, 16);
            low = low == 0 || generation < low ? generation : low;
            high = generation > high ? generation : high;
        }
    }
    return DsRestoreRegisterA(hbc, places->checkpoint, places->logs, map, count, places->logs,
                              low, high);
}

static int to_local(const char *unc, char *local, size_t size)
{
#ifdef _WIN32
    return snprintf(local, size, "%s", unc) < (int)size;
#else
    size_t length = 0;
    HRESULT hr = DsbxUncToLocal(unc, local, size, &length);
    if (hr != hrNone) {
        report(unc, hr);
    }
    return hr == hrNone && length < size;
#endif
}

static int ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/*
 * Deletes the logs and the checkpoint of the directory that was there: they would be taken for
 * continuations of the restored ones. The documentation says "all files"; other programs' files
 * are left alone here.
 */
static int clear_logs(const char *unc)
{
    char directory[PATH_SIZE], path[2 * PATH_SIZE];
    struct dirent *entry;
    DIR *dir;
    if (!to_local(unc, directory, sizeof directory)) {
        return 0;
    }
    dir = opendir(directory);
    if (dir == NULL) {
        perror(directory);
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        int log = ends_with(name, ".log") || ends_with(name, ".jrs") || ends_with(name, ".chk");
        if (strncmp(name, "edb", 3) == 0 && log) {
            snprintf(path, sizeof path, "%s/%s", directory, name);
            remove(path);
        }
    }
    closedir(dir);
    return 1;
}

static int copy(const char *directory, const char *name, const char *to)
{
    FILE *in = open_saved(directory, name);
    FILE *out;
    size_t count;
    int bad;
    if (in == NULL) {
        return 0;
    }
    remove(to);
    out = fopen(to, "wb");
    if (out == NULL) {
        perror(to);
        fclose(in);
        return 0;
    }
    while ((count = fread(buffer, 1, sizeof buffer, in)) > 0) {
        fwrite(buffer, 1, count, out);
    }
    bad = ferror(in) | ferror(out);
    fclose(in);
    if (fclose(out) != 0 || bad != 0) {
        perror(to);
        return 0;
    }
    printf("%s -> %s\n", name, to);
    return 1;
}

static HRESULT place(const char *directory, const struct places *places)
{
    int i;
    if (!clear_logs(places->logs) || !clear_logs(places->checkpoint)) {
        return hrFileAccessDenied;
    }
    for (i = 0; i < file_count; i++) {
        char unc[1400], local[PATH_SIZE];
        if (files[i].type == 0x44) {
            snprintf(unc, sizeof unc, "%s", destination(places, &files[i]));
        } else {
            snprintf(unc, sizeof unc, "%s\\%s", places->logs, files[i].name);
        }
        if (!to_local(unc, local, sizeof local) || !copy(directory, files[i].name, local)) {
            return hrFileAccessDenied;
        }
    }
    return hrNone;
}

static HRESULT run(HBC hbc, const char *directory)
{
    static struct places places;
    HRESULT copied, hr = locate(hbc, &places);
    if (hr != hrNone) {
        return hr;
    }
    hr = do_register(hbc, &places);
    if (hr != hrNone) {
        return report("DsRestoreRegister", hr);
    }
    /* From here on the directory does not start until a restore has been completed. */
    copied = place(directory, &places);
    hr = DsRestoreRegisterComplete(hbc, copied);
    if (hr != hrNone) {
        return report("DsRestoreRegisterComplete", hr);
    }
    return copied;
}

int main(int argc, char **argv)
{
    BOOL online = FALSE;
    HBC hbc = NULL;
    HRESULT hr, ended;

    if (argc != 3) {
        fprintf(stderr, "usage: %s SERVER FROMDIR\n", argv[0]);
        return 2;
    }
    if (!load(argv[2])) {
        return 1;
    }
    hr = DsIsNTDSOnlineA(argv[1], &online);
    if (hr != hrNone) {
        report("DsIsNTDSOnline", hr);
        return 1;
    }
    if (online) {
        fprintf(stderr, "%s: the directory is online; start it in restore mode\n", argv[1]);
        return 1;
    }
    hr = DsRestorePrepareA(argv[1], RESTORE_TYPE_CATCHUP, token, token_size, &hbc);
    if (hr != hrNone) {
        report("DsRestorePrepare", hr);
        return 1;
    }
    hr = run(hbc, argv[2]);
    ended = DsRestoreEnd(hbc);
    if (ended != hrNone) {
        report("DsRestoreEnd", ended);
    }
    return hr == hrNone && ended == hrNone ? 0 : 1;
}
