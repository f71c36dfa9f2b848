/*
 * backup.c - the documented backup walk-through
 *
 *   cc backup.c $(pkg-config --cflags --libs ntdsbcli) -o backup
 *   ./backup SERVER OUTDIR
 *
 * Copies every database and log of the directory into OUTDIR (an existing, empty folder), with the
 * expiry token and list.txt, which says for each file its type, its name in OUTDIR and where it
 * came from. list.txt is written last: a folder without it is no backup.
 */
#include <ntdsbcli.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dsbx.h>

enum { BUFFER_SIZE = 65536, PATH_SIZE = 4096 };

static char buffer[BUFFER_SIZE];

/* Says what failed, in words, and gives the result back. */
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

static FILE *create(const char *directory, const char *name)
{
    char path[PATH_SIZE];
    FILE *file;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) {
        fprintf(stderr, "%s/%s: the path is too long\n", directory, name);
        return NULL;
    }
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
    }
    return file;
}

/* Whether everything that was written is in the file. */
static int finish(FILE *file, const char *name)
{
    int bad = ferror(file) | fflush(file);
    if (fclose(file) != 0 || bad != 0) {
        perror(name);
        return 0;
    }
    return 1;
}

static HRESULT copy_open_file(HBC hbc, LONGLONG size, FILE *out)
{
    LONGLONG total = 0;
    while (total < size) {
        DWORD count = 0;
        HRESULT hr = DsBackupRead(hbc, buffer, BUFFER_SIZE, &count);
        if (hr != hrNone) {
            return hr;
        }
        if (fwrite(buffer, 1, count, out) != count) {
            return hrDiskFull;
        }
        total += count;
    }
    return hrNone;
}

/* One entry of a list: the first character is the type, the rest is the name. */
static HRESULT store(HBC hbc, const char *entry, const char *directory, FILE *list)
{
    const char *path = entry + 1;
    const char *name = file_name(path);
    LARGE_INTEGER size;
    HRESULT hr, closed;
    FILE *out;

    hr = DsBackupOpenFileA(hbc, path, BUFFER_SIZE, &size);
    if (hr != hrNone) {
        return report(path, hr);
    }
    out = create(directory, name);
    if (out == NULL) {
        DsBackupClose(hbc);
        return hrFileAccessDenied;
    }
    hr = copy_open_file(hbc, size.QuadPart, out);
    if (!finish(out, name) && hr == hrNone) {
        hr = hrDiskIO;
    }
    closed = DsBackupClose(hbc);
    if (hr == hrNone) {
        hr = closed;
    }
    if (hr != hrNone) {
        return report(path, hr);
    }
    fprintf(list, "%02x %s %s\n", (unsigned)(unsigned char)entry[0], name, path);
    printf("%s: %lld bytes\n", path, (long long)size.QuadPart);
    return hrNone;
}

static HRESULT store_all(HBC hbc, const char *entries, const char *directory, FILE *list)
{
    const char *entry;
    for (entry = entries; *entry != '\0'; entry += strlen(entry) + 1) {
        HRESULT hr = store(hbc, entry, directory, list);
        if (hr != hrNone) {
            return hr;
        }
    }
    return hrNone;
}

static HRESULT store_token(const void *token, DWORD size, const char *directory)
{
    FILE *out = create(directory, "token");
    if (out == NULL) {
        return hrFileAccessDenied;
    }
    fwrite(token, 1, size, out);
    return finish(out, "token") ? hrNone : hrDiskIO;
}

/* Everything between Prepare and End. */
static HRESULT run(HBC hbc, const void *token, DWORD token_size, const char *directory)
{
    LPSTR names = NULL;
    DWORD size = 0;
    HRESULT hr;
    FILE *list = tmpfile();

    if (list == NULL) {
        perror("tmpfile");
        return hrTempFileOpenError;
    }
    /* First of all: a backup without its token cannot be restored. */
    hr = store_token(token, token_size, directory);
    if (hr == hrNone) {
        hr = DsBackupGetDatabaseNamesA(hbc, &names, &size);
        if (hr != hrNone) {
            report("DsBackupGetDatabaseNames", hr);
        } else {
            hr = store_all(hbc, names, directory, list);
            DsBackupFree(names);
        }
    }
    if (hr == hrNone) {
        hr = DsBackupGetBackupLogsA(hbc, &names, &size);
        if (hr != hrNone) {
            report("DsBackupGetBackupLogs", hr);
        } else {
            hr = store_all(hbc, names, directory, list);
            DsBackupFree(names);
        }
    }
    if (hr == hrNone) {
        FILE *out = create(directory, "list.txt");
        size_t count;
        rewind(list);
        while (out != NULL && (count = fread(buffer, 1, sizeof buffer, list)) > 0) {
            fwrite(buffer, 1, count, out);
        }
        if (out == NULL || !finish(out, "list.txt")) {
            hr = hrDiskIO;
        }
    }
    fclose(list);
    if (hr == hrNone) {
        hr = DsBackupTruncateLogs(hbc);
        if (hr != hrNone) {
            report("DsBackupTruncateLogs", hr);
        }
    }
    return hr;
}

int main(int argc, char **argv)
{
    BOOL online = FALSE;
    PVOID token = NULL;
    DWORD token_size = 0;
    HBC hbc = NULL;
    HRESULT hr, ended;

    if (argc != 3) {
        fprintf(stderr, "usage: %s SERVER OUTDIR\n", argv[0]);
        return 2;
    }
    hr = DsIsNTDSOnlineA(argv[1], &online);
    if (hr != hrNone) {
        report("DsIsNTDSOnline", hr);
        return 1;
    }
    if (!online) {
        fprintf(stderr, "%s: the directory is offline and cannot be backed up\n", argv[1]);
        return 1;
    }
    hr = DsBackupPrepareA(argv[1], 0, BACKUP_TYPE_FULL, &token, &token_size, &hbc);
    if (hr != hrNone) {
        report("DsBackupPrepare", hr);
        return 1;
    }
    hr = run(hbc, token, token_size, argv[2]);
    DsBackupFree(token);
    ended = DsBackupEnd(hbc);
    if (ended != hrNone) {
        report("DsBackupEnd", ended);
    }
    return hr == hrNone && ended == hrNone ? 0 : 1;
}
