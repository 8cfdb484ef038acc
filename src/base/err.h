/* Errors: a negative code, and words in the caller's struct err. */
#ifndef LF_BASE_ERR_H
#define LF_BASE_ERR_H

enum lf_code {
	LF_OK = 0,
	LF_EINVAL = -1,    /* bad input, bad value */
	LF_EIO = -2,       /* the disk or a socket failed */
	LF_EFULL = -3,     /* disk full, cap reached: try again later */
	LF_ENOMEM = -4,
	LF_ELIMIT = -5,    /* larger than the cap given at init */
	LF_ENOENT = -6,
	LF_EBUSY = -7,     /* held by another process; the words name its pid */
	LF_EAGAIN = -8,    /* not now */
	LF_ECORRUPT = -9,
	LF_EPERM = -10,    /* wrong owner or mode, symlink, refused */
	LF_EVERSION = -11, /* made by a newer version */
	LF_ECLOSED = -12
};

struct err {
	int code;
	char text[512];
};

/* Fills *err (may be NULL) and returns code, so that `return err_set(...)` works. */
int err_set(struct err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the words that are there. Returns err->code. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
