/* SPDX-License-Identifier: Apache-2.0
 *
 * base/text.h - texts for people, in their language.
 *
 * WHAT    The source has English. A thread that works for a person at a terminal sets a translator;
 *         then lc_text(), lc_diag_set() and lc_strerror() give that person's language. Without one,
 *         as on all threads of a server, they give English: a peer and a log must not depend on
 *         the environment in which the server was started.
 * WHO     Every room gives English to these functions; cli/ sets the translator.
 * THREAD  The translator is the thread's own.
 */
#ifndef LC_BASE_TEXT_H
#define LC_BASE_TEXT_H

/* `translate` returns static memory, or its argument. NULL: English. */
void lc_text_translator(const char *(*translate)(const char *text));

/* `text` in the language of this thread. */
__attribute__((format_arg(1))) const char *lc_text(const char *text);

#endif
