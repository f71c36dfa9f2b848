/* How fast a caller with a small buffer reads the directory's database through the documented
 * functions.
 *
 *   cc throughput.c $(pkg-config --cflags --libs ntdsbcli) -o throughput
 *   throughput SERVER BUFFER_BYTES [FILE]
 *
 * BUFFER_BYTES is a multiple of 8,192 and at least 24,576, as DsBackupRead demands. With FILE the
 * bytes are written there, else they are thrown away.
 */
#include <ntdsbcli.h>
#include <ntdsbmsg.h>

#include <stdio.h>
#include <stdlib.h>

#define TRY(what, call)                                                       \
    do {                                                                      \
        HRESULT hr_ = (call);                                                 \
        if (hr_ != hrNone) {                                                  \
            fprintf(stderr, "%s: 0x%08lx\n", what, (unsigned long)(DWORD)hr_); \
            return 1;                                                         \
        }                                                                     \
    } while (0)

int main(int argc, char **argv)
{
    PVOID token = NULL;
    DWORD token_size = 0, list_size = 0, count = 0;
    HBC backup = NULL;
    LPSTR list = NULL;
    LARGE_INTEGER size;
    long long total = 0;
    FILE *file = NULL;

    if (argc < 3) {
        fprintf(stderr, "usage: throughput SERVER BUFFER_BYTES [FILE]\n");
        return 2;
    }
    DWORD buffer_size = (DWORD)strtoul(argv[2], NULL, 10);
    void *buffer = malloc(buffer_size);
    if (buffer == NULL)
        return 1;
    if (argc > 3 && (file = fopen(argv[3], "wb")) == NULL) {
        perror(argv[3]);
        return 1;
    }
    if (file != NULL)
        setvbuf(file, NULL, _IOFBF, 1 << 20);
    TRY("DsBackupPrepare",
        DsBackupPrepareA(argv[1], 0, BACKUP_TYPE_FULL, &token, &token_size, &backup));
    TRY("DsBackupGetDatabaseNames", DsBackupGetDatabaseNamesA(backup, &list, &list_size));
    TRY("DsBackupOpenFile", DsBackupOpenFileA(backup, list + 1, buffer_size, &size));
    while (total < size.QuadPart) {
        TRY("DsBackupRead", DsBackupRead(backup, buffer, buffer_size, &count));
        if (file != NULL && fwrite(buffer, 1, count, file) != count) {
            perror("write");
            return 1;
        }
        total += count;
    }
    TRY("DsBackupClose", DsBackupClose(backup));
    DsBackupFree(list);
    DsBackupFree(token);
    TRY("DsBackupEnd", DsBackupEnd(backup));
    if (file != NULL && fclose(file) != 0) {
        perror("close");
        return 1;
    }
    free(buffer);
    return 0;
}
