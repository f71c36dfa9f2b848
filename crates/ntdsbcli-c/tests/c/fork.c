/* After fork() a child must not use its parent's handles, and does its parent no harm by trying. */
#include <dsbx.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    PVOID token = NULL;
    DWORD size = 0;
    HBC hbc = NULL;
    LPSTR list = NULL;
    int status = -1;
    pid_t child;
    if (argc != 2 || DsBackupPrepareA(argv[1], 0, BACKUP_TYPE_FULL, &token, &size, &hbc) != 0) {
        return 2;
    }
    DsBackupFree(token);
    child = fork();
    if (child == 0) {
        int bad = 0;
        bad |= DsBackupGetDatabaseNamesA(hbc, &list, &size) != ERROR_INVALID_PARAMETER;
        bad |= DsBackupClose(hbc) != ERROR_INVALID_PARAMETER;
        bad |= DsBackupEnd(hbc) != ERROR_INVALID_PARAMETER;
        return bad;
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return 3;
    }
    if (DsBackupGetDatabaseNamesA(hbc, &list, &size) != 0) {
        return 4;
    }
    DsBackupFree(list);
    return DsBackupEnd(hbc) == 0 ? 0 : 5;
}
