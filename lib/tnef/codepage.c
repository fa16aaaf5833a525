#include "base/mem.h"
#include "tnef/internal.h"

const char *
tnef_charset(unsigned code_page)
{
	switch (code_page) {
	case TNEF_WESTERN:
		return "windows-1252";
	case TNEF_UTF8:
		return "utf-8";
	}
	return NULL;
}

int
tnef_add_utf8(struct buf *out, struct span text, unsigned code_page,
	struct error *err)
{
	size_t step = code_page == TNEF_UTF16 ? 2 : 1;

	for (size_t i = 0; i + step <= text.len; i += step)
		if (buf_add(out,
			    text.data[i] < 0x80 ? text.data + i
						: (const unsigned char *)"?",
			    1, err) != 0)
			return -1;
	return 0;
}
