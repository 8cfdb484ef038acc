/* The table of names. RULES.md says them in words. */
#include "names.h"
#include <ctype.h>
#include <stdbool.h>

#define NAME_MAX_BYTES 64

static const struct row {
	const char *name;
	bool ending; /* of a name is enough */
	unsigned set;
} rows[] = {
	/* End like a secret's name, and are none: cursors and counts */
	{ "nexttoken", false, NAME_PLAIN }, { "pagetoken", false, NAME_PLAIN }, { "nextpagetoken", false, NAME_PLAIN },
	{ "continuationtoken", false, NAME_PLAIN }, { "synctoken", false, NAME_PLAIN }, { "nextsynctoken", false, NAME_PLAIN },
	{ "maxtoken", false, NAME_PLAIN }, { "pertoken", false, NAME_PLAIN }, { "costpertoken", false, NAME_PLAIN },
	{ "prompttoken", false, NAME_PLAIN }, { "completiontoken", false, NAME_PLAIN }, { "canceltoken", false, NAME_PLAIN },
	{ "cancellationtoken", false, NAME_PLAIN }, { "starttoken", false, NAME_PLAIN }, { "endtoken", false, NAME_PLAIN },
	{ "stoptoken", false, NAME_PLAIN }, { "startingtoken", false, NAME_PLAIN },
	/* Numbers too */
	{ "password", false, NAME_SECRET | NAME_NUMBER }, { "passwd", false, NAME_SECRET | NAME_NUMBER },
	{ "passphrase", false, NAME_SECRET | NAME_NUMBER }, { "passcode", false, NAME_SECRET | NAME_NUMBER },
	{ "pwd", false, NAME_SECRET | NAME_NUMBER }, { "secret", false, NAME_SECRET | NAME_NUMBER },
	/* Whole names */
	{ "pass", false, NAME_SECRET }, { "auth", false, NAME_SECRET }, { "cookie", false, NAME_SECRET }, { "cookies", false, NAME_SECRET },
	{ "setcookie", false, NAME_SECRET }, { "credential", false, NAME_SECRET }, { "credentials", false, NAME_SECRET },
	{ "connectionstring", false, NAME_SECRET }, { "sig", false, NAME_SECRET }, { "clientkeydata", false, NAME_SECRET },
	{ "tlskey", false, NAME_SECRET }, { "mnemonic", false, NAME_SECRET }, { "seedphrase", false, NAME_SECRET },
	{ "recoveryphrase", false, NAME_SECRET },
	{ "name", false, NAME_NAME }, { "key", false, NAME_NAME }, { "variable", false, NAME_NAME }, { "header", false, NAME_NAME },
	{ "value", false, NAME_VALUE }, { "plaintext", false, NAME_VALUE }, { "stringvalue", false, NAME_VALUE },
	{ "d", false, NAME_EXPONENT },
	/* Several in one */
	{ "passwords", true, NAME_MANY }, { "passphrases", true, NAME_MANY }, { "secrets", true, NAME_MANY }, { "apikeys", true, NAME_MANY },
	{ "apitokens", true, NAME_MANY }, { "accesstokens", true, NAME_MANY }, { "refreshtokens", true, NAME_MANY },
	{ "authtokens", true, NAME_MANY }, { "recoverycodes", true, NAME_MANY }, { "backupcodes", true, NAME_MANY },
	/* Ends of names */
	{ "password", true, NAME_SECRET }, { "passwd", true, NAME_SECRET }, { "passphrase", true, NAME_SECRET },
	{ "passcode", true, NAME_SECRET }, { "pwd", true, NAME_SECRET }, { "presharedkey", true, NAME_SECRET }, { "secret", true, NAME_SECRET }, { "apikey", true, NAME_SECRET },
	{ "accesskey", true, NAME_SECRET }, { "secretkey", true, NAME_SECRET }, { "privatekey", true, NAME_SECRET },
	{ "signingkey", true, NAME_SECRET }, { "encryptionkey", true, NAME_SECRET }, { "accountkey", true, NAME_SECRET },
	{ "secretaccesskey", true, NAME_SECRET }, { "authorization", true, NAME_SECRET }, { "token", true, NAME_SECRET },
	{ "sessioncookie", true, NAME_SECRET }, { "authkey", true, NAME_SECRET }, { "masterkey", true, NAME_SECRET },
	{ "subscriptionkey", true, NAME_SECRET }, { "sharedkey", true, NAME_SECRET }, { "privatekeypem", true, NAME_SECRET },
};

unsigned name_class(struct slice name)
{
	char folded[NAME_MAX_BYTES + 1];
	size_t n = 0;

	/* The end of a name tells what it is: of a long one the last bytes are enough. */
	if (name.len > NAME_MAX_BYTES)
		name = (struct slice){ name.ptr + name.len - NAME_MAX_BYTES, NAME_MAX_BYTES };
	for (size_t i = 0; i < name.len; i++)
		if (!name.ptr[i] || !strchr("_-. ", name.ptr[i]))
			folded[n++] = (char)tolower((unsigned char)name.ptr[i]);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t m = strlen(rows[i].name);

		if ((n == m || (rows[i].ending && n > m)) && memcmp(folded + n - m, rows[i].name, m) == 0)
			return rows[i].set;
	}
	return NAME_PLAIN;
}
