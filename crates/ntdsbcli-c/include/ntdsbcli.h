/*
 * ntdsbcli.h - the directory backup functions
 *
 * Source-compatible with the documented interface of the same name (Win32 documentation, "Active
 * Directory Backup Functions"). This text is this project's own.
 *
 * A program that was written for Windows needs no change except where its own code assumes that
 * wchar_t has 16 bits: a WCHAR has 16 bits everywhere, wchar_t has 32 on Linux. Write wide
 * literals as u"..." there, or use the A forms (UTF-8 unless DsbxSetAnsiCodePage says otherwise).
 *
 * Every function but DsBackupFree returns 0 or an error. Compare with 0; SUCCEEDED() and FAILED()
 * give wrong answers (see ntdsbmsg.h). After a failure every output that was asked for is neutral:
 * pointer NULL, size 0, handle NULL, BOOL FALSE.
 *
 * All functions may be called from any thread. A handle must not be used after fork() in the child.
 */
#ifndef NTDSBCLI_H
#define NTDSBCLI_H

#if defined(_WIN32)
#include <windows.h>
#elif !defined(NTDSBCLI_NO_BASE_TYPES) && !defined(_WINDEF_)
#define NTDSBCLI_BASE_TYPES 1
#include <stddef.h>
#include <stdint.h>
#if !defined(__cplusplus)
#include <uchar.h>
#endif
#endif

/* Anonymous members and u"..." literals: C11 and every C++. */
#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L)
#define NTDSBCLI_C11 1
#else
#define NTDSBCLI_C11 0
#endif
#ifdef __GNUC__
#define NTDSBCLI_EXTENSION __extension__
#else
#define NTDSBCLI_EXTENSION
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef NTDSBCLI_BASE_TYPES

typedef int32_t HRESULT;
typedef int32_t LONG, *PLONG;
typedef uint32_t ULONG, *PULONG;
typedef uint32_t DWORD, *PDWORD, *LPDWORD;
typedef int64_t LONGLONG;
typedef int BOOL;
typedef char CHAR;
/* In C char16_t and uint16_t are one type; in C++ u"..." is a char16_t. */
typedef char16_t WCHAR;
typedef CHAR *LPSTR;
typedef const CHAR *LPCSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *LPCWSTR;
typedef void *PVOID;

#if NTDSBCLI_C11
typedef union _LARGE_INTEGER {
    NTDSBCLI_EXTENSION struct {
        DWORD LowPart;
        LONG HighPart;
    };
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;
#else
typedef union _LARGE_INTEGER {
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;
#endif

#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif
#ifndef S_OK
#define S_OK ((HRESULT)0)
#endif
#ifndef TEXT
#ifdef UNICODE
#define NTDSBCLI_TEXT(quote) u##quote
#define TEXT(quote)          NTDSBCLI_TEXT(quote)
#else
#define TEXT(quote) quote
#endif
#endif

/* The Win32 and RPC errors that these functions return. */
#ifndef ERROR_ACCESS_DENIED
#define ERROR_ACCESS_DENIED 5
#endif
#ifndef ERROR_NOT_ENOUGH_MEMORY
#define ERROR_NOT_ENOUGH_MEMORY 8
#endif
#ifndef ERROR_HANDLE_EOF
#define ERROR_HANDLE_EOF 38
#endif
#ifndef ERROR_INVALID_PARAMETER
#define ERROR_INVALID_PARAMETER 87
#endif
#ifndef ERROR_NO_UNICODE_TRANSLATION
#define ERROR_NO_UNICODE_TRANSLATION 1113
#endif
#ifndef ERROR_CANCELLED
#define ERROR_CANCELLED 1223
#endif
#ifndef RPC_S_INVALID_BINDING
#define RPC_S_INVALID_BINDING 1702
#endif
#ifndef RPC_S_ALREADY_LISTENING
#define RPC_S_ALREADY_LISTENING 1713
#endif
#ifndef RPC_S_UNKNOWN_AUTHN_SERVICE
#define RPC_S_UNKNOWN_AUTHN_SERVICE 1747
#endif
#ifndef RPC_S_SEC_PKG_ERROR
#define RPC_S_SEC_PKG_ERROR 1825
#endif

#define NTDSBCLI_WIDE(quote) u##quote

#else /* Windows base types are there already */

#define NTDSBCLI_WIDE(quote) L##quote

#endif /* NTDSBCLI_BASE_TYPES */

#include "ntdsbmsg.h"

/* Nothing where the library itself is built, and nothing but plain C outside Windows. */
#if defined(_WIN32) && !defined(_NTDSBCLI_DEFINED)
#define NTDSBCLI_API __declspec(dllimport) __stdcall
#else
#define NTDSBCLI_API
#endif

/* Annotations of the two RPC endpoints. */
#define g_wszBackupAnnotation  NTDSBCLI_WIDE("NTDS Backup Interface")
#define g_aszBackupAnnotation  "NTDS Backup Interface"
#define g_wszRestoreAnnotation NTDSBCLI_WIDE("NTDS Restore Interface")
#define g_aszRestoreAnnotation "NTDS Restore Interface"

/* btFlag of DsBackupPrepare. Only FULL is supported. */
#define BACKUP_TYPE_FULL        0x01
#define BACKUP_TYPE_LOGS_ONLY   0x02
#define BACKUP_TYPE_INCREMENTAL 0x04

/* rtFlag of DsRestorePrepare. Only CATCHUP is supported; 0 means the same. */
#define RESTORE_TYPE_AUTHORATATIVE 0x01
#define RESTORE_TYPE_ONLINE        0x02
#define RESTORE_TYPE_CATCHUP       0x04

/* dwCurrentLog of DsSetCurrentBackupLog: no incremental backup until the next full one. */
#define BACKUP_DISABLE_INCREMENTAL 0xFFFFFFFF

/*
 * The first character of each string of a list says what the file is, and by that where it
 * belongs. The low four bits are the kind.
 */
#define BFT_DIRECTORY          0x80 /* the string names a directory */
#define BFT_DATABASE_DIRECTORY 0x40 /* belongs into the database directory */
#define BFT_LOG_DIRECTORY      0x20 /* belongs into the log directory */

#ifdef UNICODE
typedef WCHAR BFT;
#else
typedef CHAR BFT;
#endif

#define BFT_LOG            ((BFT)(0x01 | BFT_LOG_DIRECTORY))
#define BFT_LOG_DIR        ((BFT)(0x02 | BFT_DIRECTORY))
#define BFT_CHECKPOINT_DIR ((BFT)(0x03 | BFT_DIRECTORY))
#define BFT_NTDS_DATABASE  ((BFT)(0x04 | BFT_DATABASE_DIRECTORY))
#define BFT_PATCH_FILE     ((BFT)(0x05 | BFT_LOG_DIRECTORY))
#define BFT_UNKNOWN        ((BFT)0x0F)

/* A backup or restore context. Never a pointer to anything. */
typedef void *HBC;

/* Where a database was and where it comes to. */
typedef struct tagEDB_RSTMAPA {
    CHAR *szDatabaseName;
    CHAR *szNewDatabaseName;
} EDB_RSTMAPA, *PEDB_RSTMAPA;

/* The documentation spells the members of the wide form without w, the header with. */
#if NTDSBCLI_C11
typedef struct tagEDB_RSTMAPW {
    union {
        WCHAR *wszDatabaseName;
        WCHAR *szDatabaseName;
    };
    union {
        WCHAR *wszNewDatabaseName;
        WCHAR *szNewDatabaseName;
    };
} EDB_RSTMAPW, *PEDB_RSTMAPW;
#else
typedef struct tagEDB_RSTMAPW {
    WCHAR *wszDatabaseName;
    WCHAR *wszNewDatabaseName;
} EDB_RSTMAPW, *PEDB_RSTMAPW;
#endif

#define UNICODE_RSTMAP

/*
 * Whether the directory is online. A backup needs TRUE, a restore FALSE.
 */
HRESULT NTDSBCLI_API DsIsNTDSOnlineA(LPCSTR szServerName, BOOL *pfNTDSOnline);
HRESULT NTDSBCLI_API DsIsNTDSOnlineW(LPCWSTR szServerName, BOOL *pfNTDSOnline);

/*
 * The identity of the process in later Prepare, IsNTDSOnline and SetCurrentBackupLog calls; all
 * NULL: the process's own again. Contexts that exist keep theirs.
 */
HRESULT NTDSBCLI_API DsSetAuthIdentityA(LPCSTR szUserName, LPCSTR szDomainName,
                                        LPCSTR szPassword);
HRESULT NTDSBCLI_API DsSetAuthIdentityW(LPCWSTR szUserName, LPCWSTR szDomainName,
                                        LPCWSTR szPassword);

/*
 * The number of the last log that counts as backed up.
 */
HRESULT NTDSBCLI_API DsSetCurrentBackupLogA(LPCSTR szServerName, DWORD dwCurrentLog);
HRESULT NTDSBCLI_API DsSetCurrentBackupLogW(LPCWSTR szServerName, DWORD dwCurrentLog);

/*
 * Begins a backup. Store the token with it: DsRestorePrepare asks for it. Free it with
 * DsBackupFree, end the handle with DsBackupEnd.
 */
HRESULT NTDSBCLI_API DsBackupPrepareA(LPCSTR szBackupServer, ULONG grbit, ULONG btFlag,
                                      PVOID *ppvExpiryToken, LPDWORD pcbExpiryTokenSize,
                                      HBC *phbc);
HRESULT NTDSBCLI_API DsBackupPrepareW(LPCWSTR szBackupServer, ULONG grbit, ULONG btFlag,
                                      PVOID *ppvExpiryToken, LPDWORD pcbExpiryTokenSize,
                                      HBC *phbc);

/*
 * The databases to back up: strings one after the other, each beginning with its BFT and ended by
 * NUL, one more NUL at the end. The size is in bytes. Free it with DsBackupFree.
 */
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesA(HBC hbc, LPSTR *pszAttachmentInfo,
                                               LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesW(HBC hbc, LPWSTR *pszAttachmentInfo,
                                               LPDWORD pcbSize);

/*
 * Opens a file of a list, with or without its BFT; one at a time. The hint is a multiple of 8192
 * and at least 24576. The size is the number of bytes that DsBackupRead will deliver.
 */
HRESULT NTDSBCLI_API DsBackupOpenFileA(HBC hbc, LPCSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER *pliFileSize);
HRESULT NTDSBCLI_API DsBackupOpenFileW(HBC hbc, LPCWSTR szAttachmentName, DWORD cbReadHintSize,
                                       LARGE_INTEGER *pliFileSize);

/*
 * Reads on. The buffer's size is a multiple of 8192 and at least 24576; fewer bytes than that may
 * come although more follow. After the last byte: ERROR_HANDLE_EOF.
 */
HRESULT NTDSBCLI_API DsBackupRead(HBC hbc, PVOID pvBuffer, DWORD cbBuffer, PDWORD pcbRead);

/* Closes the open file. */
HRESULT NTDSBCLI_API DsBackupClose(HBC hbc);

/*
 * The logs to back up, in the form of DsBackupGetDatabaseNames. Databases cannot be opened after
 * it.
 */
HRESULT NTDSBCLI_API DsBackupGetBackupLogsA(HBC hbc, LPSTR *pszBackupLogFiles, LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsBackupGetBackupLogsW(HBC hbc, LPWSTR *pszBackupLogFiles, LPDWORD pcbSize);

/*
 * Deletes logs that neither the directory nor this backup needs any longer. Call it when
 * everything is stored safely.
 */
HRESULT NTDSBCLI_API DsBackupTruncateLogs(HBC hbc);

/* Ends the backup, whole or not, and closes what is open. The handle is gone in any case. */
HRESULT NTDSBCLI_API DsBackupEnd(HBC hbc);

/* Frees a token or a list. NULL and pointers of other origin are ignored. */
VOID NTDSBCLI_API DsBackupFree(PVOID pvBuffer);

/*
 * Begins a restore. Without a token the handle is good for DsRestoreGetDatabaseLocations only.
 */
HRESULT NTDSBCLI_API DsRestorePrepareA(LPCSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken,
                                       DWORD cbExpiryTokenSize, HBC *phbc);
HRESULT NTDSBCLI_API DsRestorePrepareW(LPCWSTR szServerName, ULONG rtFlag, PVOID pvExpiryToken,
                                       DWORD cbExpiryTokenSize, HBC *phbc);

/*
 * Where files go: database path, log directory, checkpoint directory. Takes backup handles too.
 */
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsA(HBC hbc, LPSTR *pszDatabaseLocationList,
                                                    LPDWORD pcbSize);
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsW(HBC hbc, LPWSTR *pszDatabaseLocationList,
                                                    LPDWORD pcbSize);

/*
 * Registers the restore: the directory does not start until DsRestoreRegisterComplete(hbc, 0).
 */
HRESULT NTDSBCLI_API DsRestoreRegisterA(HBC hbc, LPCSTR szCheckPointFilePath, LPCSTR szLogPath,
                                        EDB_RSTMAPA rgrstmap[], LONG crstmap,
                                        LPCSTR szBackupLogPath, ULONG genLow, ULONG genHigh);
HRESULT NTDSBCLI_API DsRestoreRegisterW(HBC hbc, LPCWSTR szCheckPointFilePath, LPCWSTR szLogPath,
                                        EDB_RSTMAPW rgrstmap[], LONG crstmap,
                                        LPCWSTR szBackupLogPath, ULONG genLow, ULONG genHigh);

/*
 * Reports the outcome. 0: what was restored is checked, and the directory may start.
 */
HRESULT NTDSBCLI_API DsRestoreRegisterComplete(HBC hbc, HRESULT hrRestoreState);

/* Ends the restore context. */
HRESULT NTDSBCLI_API DsRestoreEnd(HBC hbc);

#ifdef UNICODE
#define g_szBackupAnnotation          g_wszBackupAnnotation
#define g_szRestoreAnnotation         g_wszRestoreAnnotation
#define EDB_RSTMAP                    EDB_RSTMAPW
#define PEDB_RSTMAP                   PEDB_RSTMAPW
#define DsIsNTDSOnline                DsIsNTDSOnlineW
#define DsSetAuthIdentity             DsSetAuthIdentityW
#define DsSetCurrentBackupLog         DsSetCurrentBackupLogW
#define DsBackupPrepare               DsBackupPrepareW
#define DsBackupGetDatabaseNames      DsBackupGetDatabaseNamesW
#define DsBackupOpenFile              DsBackupOpenFileW
#define DsBackupGetBackupLogs         DsBackupGetBackupLogsW
#define DsRestorePrepare              DsRestorePrepareW
#define DsRestoreGetDatabaseLocations DsRestoreGetDatabaseLocationsW
#define DsRestoreRegister             DsRestoreRegisterW
#else
#define g_szBackupAnnotation          g_aszBackupAnnotation
#define g_szRestoreAnnotation         g_aszRestoreAnnotation
#define EDB_RSTMAP                    EDB_RSTMAPA
#define PEDB_RSTMAP                   PEDB_RSTMAPA
#define DsIsNTDSOnline                DsIsNTDSOnlineA
#define DsSetAuthIdentity             DsSetAuthIdentityA
#define DsSetCurrentBackupLog         DsSetCurrentBackupLogA
#define DsBackupPrepare               DsBackupPrepareA
#define DsBackupGetDatabaseNames      DsBackupGetDatabaseNamesA
#define DsBackupOpenFile              DsBackupOpenFileA
#define DsBackupGetBackupLogs         DsBackupGetBackupLogsA
#define DsRestorePrepare              DsRestorePrepareA
#define DsRestoreGetDatabaseLocations DsRestoreGetDatabaseLocationsA
#define DsRestoreRegister             DsRestoreRegisterA
#endif

#ifdef __cplusplus
}
#endif

#endif /* NTDSBCLI_H */
