/*
 * abuse.c - everything that a caller can get wrong, at every entry point
 *
 *   cc abuse.c $(pkg-config --cflags --libs ntdsbcli) -o abuse
 *   ./abuse SERVER
 *
 * SERVER must be online. Each call has to return its documented code, leave its outputs neutral,
 * and do no harm. Run it under valgrind to see that nothing leaks either.
 */
#include <ntdsbcli.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#define WIDE(text) L##text
#else
#define WIDE(text) u##text
#endif

#define INV ((HRESULT)ERROR_INVALID_PARAMETER)
#define SEQ hrInvalidBackupSequence

enum { LONG_TEXT = 100000, WIDE_NAME = 256, BUFFER_SIZE = 65536 };

static int checks, failures;
static const char *server;
static WCHAR server_w[WIDE_NAME];
static char long_a[LONG_TEXT];
static WCHAR long_w[LONG_TEXT];
static char buffer[BUFFER_SIZE];

static void expect(const char *call, HRESULT got, HRESULT wanted)
{
    checks++;
    if (got != wanted) {
        failures++;
        fprintf(stderr, "%s: 0x%08X instead of 0x%08X\n", call, (unsigned)got, (unsigned)wanted);
    }
}

static void expect_true(const char *what, int holds)
{
    checks++;
    if (!holds) {
        failures++;
        fprintf(stderr, "not so: %s\n", what);
    }
}

#define EXPECT(call, code) expect(#call, (call), (code))
#define HOLDS(condition)   expect_true(#condition, (condition))

static void names(void)
{
    static const char *const malformed[] = {"", "\\", "\\\\", "\\localhost", "\\\\\\localhost",
                                            "local_host", "local host", "a..b", "x\\y", "x/y"};
    BOOL online = 7;
    size_t i;
    for (i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        online = 7;
        expect(malformed[i], DsIsNTDSOnlineA(malformed[i], &online), hrCouldNotConnect);
        HOLDS(online == FALSE);
    }
    online = 7;
    EXPECT(DsIsNTDSOnlineA("no-such-host-here", &online), RPC_S_INVALID_BINDING);
    HOLDS(online == FALSE);
    EXPECT(DsIsNTDSOnlineA("\xFF\xFE", &online), ERROR_NO_UNICODE_TRANSLATION);
    EXPECT(DsIsNTDSOnlineA(long_a, &online), hrCouldNotConnect);
    EXPECT(DsIsNTDSOnlineW(long_w, &online), hrCouldNotConnect);
    EXPECT(DsIsNTDSOnlineW(WIDE("local_host"), &online), hrCouldNotConnect);
    EXPECT(DsIsNTDSOnlineA(NULL, &online), INV);
    EXPECT(DsIsNTDSOnlineW(NULL, &online), INV);
    EXPECT(DsIsNTDSOnlineA(server, NULL), INV);
    EXPECT(DsIsNTDSOnlineW(server_w, NULL), INV);
    EXPECT(DsIsNTDSOnlineA(server, &online), hrNone);
    HOLDS(online == TRUE);
    EXPECT(DsIsNTDSOnlineW(server_w, &online), hrNone);
    HOLDS(online == TRUE);

    EXPECT(DsSetCurrentBackupLogA(NULL, 1), INV);
    EXPECT(DsSetCurrentBackupLogW(NULL, 1), INV);
    EXPECT(DsSetCurrentBackupLogA("local_host", 1), hrCouldNotConnect);
    EXPECT(DsSetCurrentBackupLogW(WIDE("local_host"), 1), hrCouldNotConnect);
    EXPECT(DsSetCurrentBackupLogA(long_a, 1), hrCouldNotConnect);
    EXPECT(DsSetCurrentBackupLogA(server, 0xFFFFFFFE), INV);
    EXPECT(DsSetCurrentBackupLogW(server_w, 0x7FFFFFFF), INV);
}

static void identities(void)
{
    EXPECT(DsSetAuthIdentityA(NULL, NULL, "password"), INV);
    EXPECT(DsSetAuthIdentityW(NULL, NULL, WIDE("password")), INV);
    EXPECT(DsSetAuthIdentityA("", "domain", "password"), INV);
    EXPECT(DsSetAuthIdentityW(WIDE(""), NULL, NULL), INV);
    EXPECT(DsSetAuthIdentityA(long_a, NULL, NULL), INV);
    EXPECT(DsSetAuthIdentityA("user", long_a, NULL), INV);
    EXPECT(DsSetAuthIdentityA("user", "domain", long_a), INV);
    EXPECT(DsSetAuthIdentityW(long_w, NULL, NULL), INV);
    EXPECT(DsSetAuthIdentityW(WIDE("user"), NULL, long_w), INV);
    EXPECT(DsSetAuthIdentityA("user", "domain", "\xC3\x28"), ERROR_NO_UNICODE_TRANSLATION);
    EXPECT(DsSetAuthIdentityA("user", "domain", "password"), hrNone);
    EXPECT(DsSetAuthIdentityW(WIDE("user"), WIDE("domain"), WIDE("password")), hrNone);
    EXPECT(DsSetAuthIdentityA(NULL, NULL, NULL), hrNone);
    EXPECT(DsSetAuthIdentityW(NULL, NULL, NULL), hrNone);
}

static void prepare(void)
{
    static const ULONG types[] = {0, 2, 3, 4, 5, 7, 8, 0x80000001, 0xFFFFFFFF};
    PVOID token = buffer;
    DWORD size = 7;
    HBC hbc = buffer;
    size_t i;
    EXPECT(DsBackupPrepareA(NULL, 0, BACKUP_TYPE_FULL, &token, &size, &hbc), INV);
    HOLDS(token == NULL && size == 0 && hbc == NULL);
    EXPECT(DsBackupPrepareW(NULL, 0, BACKUP_TYPE_FULL, &token, &size, &hbc), INV);
    EXPECT(DsBackupPrepareA(server, 0, BACKUP_TYPE_FULL, NULL, &size, &hbc), hrInvalidParam);
    EXPECT(DsBackupPrepareW(server_w, 0, BACKUP_TYPE_FULL, &token, NULL, &hbc), hrInvalidParam);
    EXPECT(DsBackupPrepareA(NULL, 9, 9, NULL, NULL, NULL), hrInvalidParam);
    EXPECT(DsBackupPrepareA(server, 0, BACKUP_TYPE_FULL, &token, &size, NULL), INV);
    EXPECT(DsBackupPrepareA(server, 2, BACKUP_TYPE_FULL, &token, &size, &hbc), INV);
    for (i = 0; i < sizeof types / sizeof *types; i++) {
        EXPECT(DsBackupPrepareA(server, 0, types[i], &token, &size, &hbc), INV);
        EXPECT(DsBackupPrepareW(server_w, 0, types[i], &token, &size, &hbc), INV);
    }
    EXPECT(DsBackupPrepareA("local_host", 0, BACKUP_TYPE_FULL, &token, &size, &hbc),
           hrCouldNotConnect);
    EXPECT(DsBackupPrepareA(long_a, 0, BACKUP_TYPE_FULL, &token, &size, &hbc), hrCouldNotConnect);
    EXPECT(DsBackupPrepareW(long_w, 0, BACKUP_TYPE_FULL, &token, &size, &hbc), hrCouldNotConnect);
    EXPECT(DsBackupPrepareA("elsewhere", 0, BACKUP_TYPE_FULL, &token, &size, &hbc),
           RPC_S_INVALID_BINDING);
    HOLDS(token == NULL && size == 0 && hbc == NULL);
}

/* A handle that no function may accept. */
static void bad_handle(HBC hbc)
{
    EDB_RSTMAPA map_a = {long_a, long_a};
    EDB_RSTMAPW map_w = {{long_w}, {long_w}};
    LARGE_INTEGER size;
    LPSTR list_a = buffer;
    LPWSTR list_w = long_w;
    DWORD count = 7;
    EXPECT(DsBackupGetDatabaseNamesA(hbc, &list_a, &count), INV);
    HOLDS(list_a == NULL && count == 0);
    EXPECT(DsBackupGetDatabaseNamesW(hbc, &list_w, &count), INV);
    HOLDS(list_w == NULL);
    size.QuadPart = 7;
    EXPECT(DsBackupOpenFileA(hbc, "x", BUFFER_SIZE, &size), INV);
    HOLDS(size.QuadPart == 0);
    EXPECT(DsBackupOpenFileW(hbc, WIDE("x"), BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupRead(hbc, buffer, BUFFER_SIZE, &count), INV);
    EXPECT(DsBackupRead(hbc, NULL, 0, NULL), INV);
    EXPECT(DsBackupClose(hbc), INV);
    EXPECT(DsBackupGetBackupLogsA(hbc, &list_a, &count), INV);
    EXPECT(DsBackupGetBackupLogsW(hbc, &list_w, &count), INV);
    EXPECT(DsBackupTruncateLogs(hbc), INV);
    EXPECT(DsBackupEnd(hbc), INV);
    EXPECT(DsRestoreGetDatabaseLocationsA(hbc, &list_a, &count), INV);
    EXPECT(DsRestoreGetDatabaseLocationsW(hbc, &list_w, &count), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/", "/", &map_a, 1, "/", 1, 1), INV);
    EXPECT(DsRestoreRegisterW(hbc, WIDE("/"), WIDE("/"), &map_w, 1, WIDE("/"), 1, 1), INV);
    EXPECT(DsRestoreRegisterComplete(hbc, 0), INV);
    EXPECT(DsRestoreEnd(hbc), INV);
}

static void garbage(void)
{
    uint64_t seed = 0x9E3779B97F4A7C15u;
    int i;
    bad_handle(NULL);
    bad_handle((HBC)(intptr_t)-1);
    bad_handle(buffer);
    bad_handle((HBC)(uintptr_t)0x10000);
    for (i = 0; i < 10000; i++) {
        HBC hbc;
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        hbc = (HBC)(uintptr_t)(i % 2 != 0 ? seed : seed % 0x200000);
        if (DsBackupEnd(hbc) != INV || DsRestoreEnd(hbc) != INV || DsBackupClose(hbc) != INV) {
            failures++;
            fprintf(stderr, "garbage handle %p was accepted\n", hbc);
        }
        checks++;
    }
}

static void memory(void)
{
    char *own = malloc(64);
    DsBackupFree(NULL);
    DsBackupFree(own);
    DsBackupFree(buffer);
    DsBackupFree((PVOID)(intptr_t)-1);
    DsBackupFree((PVOID)(uintptr_t)8);
    free(own);
}

static void lists(HBC hbc)
{
    LPSTR list_a = NULL;
    LPWSTR list_w = NULL;
    DWORD size_a = 0, size_w = 0;
    EXPECT(DsBackupGetDatabaseNamesA(hbc, NULL, &size_a), INV);
    EXPECT(DsBackupGetDatabaseNamesA(hbc, &list_a, NULL), INV);
    HOLDS(list_a == NULL);
    EXPECT(DsBackupGetDatabaseNamesW(hbc, NULL, NULL), INV);
    EXPECT(DsBackupGetBackupLogsA(hbc, NULL, &size_a), INV);
    EXPECT(DsBackupGetBackupLogsW(hbc, &list_w, NULL), INV);
    EXPECT(DsRestoreGetDatabaseLocationsA(hbc, NULL, &size_a), INV);
    EXPECT(DsRestoreGetDatabaseLocationsW(hbc, &list_w, NULL), INV);
    EXPECT(DsRestoreGetDatabaseLocationsA(hbc, &list_a, &size_a), hrNone);
    HOLDS(list_a != NULL && size_a > 2);
    DsBackupFree(list_a);
    EXPECT(DsRestoreGetDatabaseLocationsW(hbc, &list_w, &size_w), hrNone);
    HOLDS(list_w != NULL && size_w == 2 * size_a);
    DsBackupFree(list_w);
    DsBackupFree(list_w);
    EXPECT(DsBackupGetDatabaseNamesW(hbc, &list_w, &size_w), hrNone);
    HOLDS(list_w[0] == 0x44 && size_w > 4);
    DsBackupFree(list_w);
}

static void lists_of_restore(HBC hbc)
{
    LPSTR list = NULL;
    DWORD size = 0;
    EXPECT(DsRestoreGetDatabaseLocationsA(hbc, &list, NULL), INV);
    EXPECT(DsRestoreGetDatabaseLocationsA(hbc, &list, &size), hrNone);
    HOLDS(list != NULL && size > 2);
    DsBackupFree(list);
}

static void files(HBC hbc)
{
    static const DWORD hints[] = {0, 8192, 16384, 24575, 24577, 30000, 0xFFFFFFFF};
    LARGE_INTEGER size;
    LPSTR list = NULL, again = NULL;
    DWORD bytes = 0, count = 7;
    size_t i;
    EXPECT(DsBackupGetDatabaseNamesA(hbc, &list, &bytes), hrNone);
    EXPECT(DsBackupOpenFileA(hbc, NULL, BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileW(hbc, NULL, BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileA(hbc, "", BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileA(hbc, list + 1, BUFFER_SIZE, NULL), INV);
    EXPECT(DsBackupOpenFileA(hbc, "../../etc/passwd", BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileA(hbc, "/etc/passwd", BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileA(hbc, long_a, BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileW(hbc, long_w, BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupOpenFileA(hbc, "\xFF", BUFFER_SIZE, &size), ERROR_NO_UNICODE_TRANSLATION);
    for (i = 0; i < sizeof hints / sizeof *hints; i++) {
        EXPECT(DsBackupOpenFileA(hbc, list, hints[i], &size), INV);
    }
    EXPECT(DsBackupRead(hbc, buffer, BUFFER_SIZE, &count), hrInvalidHandle);
    HOLDS(count == 0);
    EXPECT(DsBackupClose(hbc), hrInvalidHandle);
    EXPECT(DsBackupTruncateLogs(hbc), SEQ);

    EXPECT(DsBackupOpenFileA(hbc, list, BUFFER_SIZE, &size), hrNone);
    HOLDS(size.QuadPart > 0);
    EXPECT(DsBackupOpenFileA(hbc, list + 1, BUFFER_SIZE, &size), hrAlreadyOpen);
    HOLDS(size.QuadPart == 0);
    EXPECT(DsBackupGetBackupLogsA(hbc, &again, &bytes), SEQ);
    HOLDS(again == NULL && bytes == 0);
    EXPECT(DsBackupTruncateLogs(hbc), SEQ);
    EXPECT(DsBackupRead(hbc, NULL, BUFFER_SIZE, &count), INV);
    EXPECT(DsBackupRead(hbc, buffer, BUFFER_SIZE, NULL), INV);
    for (i = 0; i + 1 < sizeof hints / sizeof *hints; i++) {
        EXPECT(DsBackupRead(hbc, buffer, hints[i], &count), INV);
    }
    EXPECT(DsBackupRead(hbc, buffer, BUFFER_SIZE, &count), hrNone);
    HOLDS(count > 0);
    EXPECT(DsBackupClose(hbc), hrNone);
    EXPECT(DsBackupClose(hbc), hrInvalidHandle);

    EXPECT(DsBackupGetBackupLogsA(hbc, &again, &bytes), hrNone);
    DsBackupFree(again);
    EXPECT(DsBackupOpenFileA(hbc, list, BUFFER_SIZE, &size), SEQ);
    EXPECT(DsBackupTruncateLogs(hbc), SEQ);
    DsBackupFree(list);
}

static void wrong_kind(HBC backup, HBC restore)
{
    EDB_RSTMAPA map = {long_a, long_a};
    LPSTR list = NULL;
    LARGE_INTEGER size;
    DWORD count = 0;
    EXPECT(DsRestoreRegisterA(backup, "/", "/", &map, 1, "/", 1, 1), INV);
    EXPECT(DsRestoreRegisterComplete(backup, 0), INV);
    EXPECT(DsRestoreEnd(backup), INV);
    EXPECT(DsBackupGetDatabaseNamesA(restore, &list, &count), INV);
    EXPECT(DsBackupGetBackupLogsA(restore, &list, &count), INV);
    EXPECT(DsBackupOpenFileA(restore, "x", BUFFER_SIZE, &size), INV);
    EXPECT(DsBackupRead(restore, buffer, BUFFER_SIZE, &count), INV);
    EXPECT(DsBackupClose(restore), INV);
    EXPECT(DsBackupTruncateLogs(restore), INV);
    EXPECT(DsBackupEnd(restore), INV);
}

static void restores(const void *token, DWORD token_size)
{
    static const ULONG types[] = {1, 2, 3, 5, 8};
    unsigned char *damaged = malloc(token_size);
    HBC hbc = buffer;
    size_t i;
    EXPECT(DsRestorePrepareA(NULL, 0, NULL, 0, &hbc), INV);
    HOLDS(hbc == NULL);
    EXPECT(DsRestorePrepareW(NULL, 0, NULL, 0, &hbc), INV);
    EXPECT(DsRestorePrepareA(server, 0, NULL, 0, NULL), INV);
    for (i = 0; i < sizeof types / sizeof *types; i++) {
        EXPECT(DsRestorePrepareA(server, types[i], NULL, 0, &hbc), INV);
        EXPECT(DsRestorePrepareW(server_w, types[i], NULL, 0, &hbc), INV);
    }
    EXPECT(DsRestorePrepareA("local_host", 0, NULL, 0, &hbc), hrCouldNotConnect);
    EXPECT(DsRestorePrepareA(long_a, 0, NULL, 0, &hbc), hrCouldNotConnect);
    EXPECT(DsRestorePrepareW(server_w, 0, (PVOID)buffer, 0, &hbc), hrUnknownExpiryTokenFormat);
    EXPECT(DsRestorePrepareA(server, 0, (PVOID)buffer, 1, &hbc), hrUnknownExpiryTokenFormat);
    EXPECT(DsRestorePrepareA(server, 0, buffer, BUFFER_SIZE, &hbc), hrUnknownExpiryTokenFormat);
    if (damaged != NULL) {
        memcpy(damaged, token, token_size);
        damaged[token_size / 2] ^= 1;
        EXPECT(DsRestorePrepareA(server, 0, damaged, token_size, &hbc),
               hrUnknownExpiryTokenFormat);
        free(damaged);
    }
    HOLDS(hbc == NULL);
}

static void restricted(HBC hbc)
{
    EDB_RSTMAPA map = {"/a/ntds.dit", "/b/ntds.dit"};
    EDB_RSTMAPA rows[2] = {{"/a/ntds.dit", "/b/ntds.dit"}, {"/a/ntds.dit", "/c/ntds.dit"}};
    EDB_RSTMAPA holes = {NULL, "/b/ntds.dit"};
    EDB_RSTMAPA empty = {"/a/ntds.dit", ""};
    EXPECT(DsRestoreRegisterA(hbc, NULL, "/l", &map, 1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", NULL, &map, 1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, 1, NULL, 1, 2), INV);
    EXPECT(DsRestoreRegisterW(hbc, NULL, NULL, NULL, 0, NULL, 0, 0), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", NULL, 1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, -1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, 15, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, 0x7FFFFFFF, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &holes, 1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &empty, 1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", rows, 2, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, 1, "/l", 2, 1), INV);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, 1, "/l", 1, 0x100000), INV);
    EXPECT(DsRestoreRegisterA(hbc, long_a, "/l", &map, 1, "/l", 1, 2), INV);
    EXPECT(DsRestoreRegisterW(hbc, long_w, long_w, NULL, 0, long_w, 1, 2), INV);
    EXPECT(DsRestoreRegisterA(hbc, "\xFF", "/l", &map, 1, "/l", 1, 2),
           ERROR_NO_UNICODE_TRANSLATION);
    EXPECT(DsRestoreRegisterA(hbc, "/l", "/l", &map, 1, "/l", 1, 2), hrMissingExpiryToken);
    EXPECT(DsRestoreRegisterComplete(hbc, 0), hrMissingExpiryToken);
    EXPECT(DsRestoreRegisterComplete(hbc, ERROR_ACCESS_DENIED), hrMissingExpiryToken);
}

int main(int argc, char **argv)
{
    PVOID token = NULL, second_token = NULL;
    DWORD token_size = 0, second_size = 0;
    HBC backup = NULL, restore = NULL, second = NULL;
    size_t i;
    if (argc != 2 || strlen(argv[1]) >= WIDE_NAME) {
        fprintf(stderr, "usage: %s SERVER\n", argv[0]);
        return 2;
    }
    server = argv[1];
    for (i = 0; server[i] != '\0'; i++) {
        server_w[i] = (unsigned char)server[i];
    }
    for (i = 0; i + 1 < LONG_TEXT; i++) {
        long_a[i] = 'x';
        long_w[i] = 'x';
    }
    names();
    identities();
    prepare();
    garbage();
    memory();

    EXPECT(DsBackupPrepareA(server, 1, BACKUP_TYPE_FULL, &token, &token_size, &backup), hrNone);
    HOLDS(token != NULL && token_size >= 256 && token_size <= 4096 && backup != NULL);
    if (backup == NULL) {
        return 1;
    }
    EXPECT(DsBackupPrepareW(server_w, 0, BACKUP_TYPE_FULL, &second_token, &second_size, &second),
           hrBackupInProgress);
    HOLDS(second_token == NULL && second_size == 0 && second == NULL);
    restores(token, token_size);
    EXPECT(DsRestorePrepareA(server, 0, NULL, 77, &restore), hrNone);
    HOLDS(restore != NULL && restore != backup);
    wrong_kind(backup, restore);
    lists(backup);
    lists_of_restore(restore);
    files(backup);
    restricted(restore);

    EXPECT(DsRestoreEnd(restore), hrNone);
    bad_handle(restore);
    EXPECT(DsBackupEnd(backup), hrNone);
    bad_handle(backup);
    DsBackupFree(token);
    DsBackupFree(token);

    /* Ended at once, and with a file open: the next one begins at once. */
    for (i = 0; i < 3; i++) {
        EXPECT(DsBackupPrepareW(server_w, 0, BACKUP_TYPE_FULL, &token, &token_size, &backup),
               hrNone);
        DsBackupFree(token);
        EXPECT(DsBackupEnd(backup), hrNone);
    }
    printf("%d checks, %d failures\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
