/*
 * dsbx.h - extensions to the directory backup functions
 *
 * Nothing here is part of the documented interface. No extension changes what a documented function
 * returns while it is switched off, and all are off unless switched on. Strings are UTF-8.
 */
#ifndef DSBX_H
#define DSBX_H

#include <stddef.h>
#include "ntdsbcli.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Options of DsbxSetOption. */
#define DSBX_OPT_ADDRESSING      1 /* 1: server names may be sockets and host:port; 0: not */
#define DSBX_OPT_CONNECT_TIMEOUT 2 /* milliseconds to reach the service, default 5000 */
#define DSBX_OPT_CALL_TIMEOUT    3 /* milliseconds for any call, 0 (default): no limit */

/* Options of DsbxSetTextOption. */
#define DSBX_OPT_SOCKET  0x101 /* the service's socket; NULL: the default */
#define DSBX_OPT_NAMES   0x102 /* further names of this computer, separated by commas */
#define DSBX_OPT_VOLUMES 0x103 /* "C=/srv/dc1/c,D=/srv/dc1/d": roots for the two functions below */

HRESULT NTDSBCLI_API DsbxSetOption(DWORD dwOption, DWORD dwValue);
HRESULT NTDSBCLI_API DsbxSetTextOption(DWORD dwOption, const char *pszValue);

/* The code page of the A forms: 65001 (default), 1252, 28591 or 20127. */
HRESULT NTDSBCLI_API DsbxSetAnsiCodePage(DWORD dwCodePage);

/*
 * A result in words: name, value, meaning, what to do. Writes at most cb bytes, always ended by NUL
 * (if cb is not 0), and returns the length of the whole text without the NUL.
 */
size_t NTDSBCLI_API DsbxResultText(HRESULT hr, char *buf, size_t cb);

/* Makes a call that another thread waits for on this handle return ERROR_CANCELLED. */
HRESULT NTDSBCLI_API DsbxCancel(HBC hbc);

/*
 * \\SERVER\C$\Windows\NTDS <-> /srv/dc1/c/Windows/NTDS. A path below no volume's root is in ROOT$.
 * A leading BFT is dropped. Writes as DsbxResultText does; *pcch is the length of the whole text.
 */
HRESULT NTDSBCLI_API DsbxUncToLocal(const char *pszUnc, char *buf, size_t cb, size_t *pcch);
HRESULT NTDSBCLI_API DsbxLocalToUnc(const char *pszLocal, char *buf, size_t cb, size_t *pcch);

#ifdef __cplusplus
}
#endif

#endif /* DSBX_H */
