/* SPDX-License-Identifier: GPL-2.0-only */
/* The page of the HTML report, put together by tools/mkpage and embedded. Not for filling it. */
#include "output/html_parts.h"

/* The assembler finds it by its -I: the Makefile rule of this object. */
__asm__(".section .rodata\n"
	".global html_page\n"
	".hidden html_page\n"
	".type html_page, %object\n"
	"html_page:\n"
	".incbin \"page.html\"\n"
	".byte 0\n"
	".size html_page, . - html_page\n"
	".previous\n");
