/*
 * The table of built-in rules. Every pattern is anchored at one of its literals, has bounded or
 * possessive repeats only, and no repeat inside a repeat over the same characters. One that reads on without a
 * bound ends with an alternative that only reads on, without its group: what it read is not read again. The prefixes are
 * facts that the vendors, gitleaks and secretlint document; the patterns are our own.
 */
#include "rules.h"

/* A start that is not inside a word; "\n" written out, %3D and a terminal colour end one too. */
#define EDGE "(?:(?<![A-Za-z0-9])|(?<=\\\\[nrtbf])|(?<=\\\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2})" \
	"|(?<=[\\[;][0-9]m|[\\[;][0-9]{2}m|\\[m))"
#define STOP "(?![A-Za-z0-9])"
/* A quote, as it is, three times, or escaped again and again: ", \", \\\" */
#define Q "(?:\"\"\"|'''|\\\\{0,15}+[\"'`])"
#define Q_OPT "(?:" Q ")?+"
/* Between a name and its value. */
#define SEP "[ \\t]{0,16}+(?::=|=>|={1,3}+|:)[ \\t]{0,16}+"
#define NAME_SEP Q_OPT SEP
/* The text of a quoted value up to the same quote; \2 is that quote. A missing end is one too. */
#define QUOTED(open) "(" Q ")((?:(?!(?<!\\\\)\\" #open ")(?:\\\\[^\\r\\n]|[^\\\\\\r\\n]))++)"
#define PLAIN "([^\\s\"'`\\\\,;&|<>(){}\\[\\]]{1,1024}+)"
#define WIDE "([^\\s\"'`\\\\,;&|<>]{1,1024}+)"
/* What may stand behind a value without quotes. */
#define PLAIN_END "(?=[ \\t]{0,16}+(?:$|[\\r\\n,;}\\])|&#\"'`\\\\]|//|<[/\\\\b]))"

/* "=" takes what follows at once; ":" and " = " what ends there. In prose the value must be mixed. */
#define MIXED "(?=[^\\s\"'`(){}<>\\[\\]]{0,255}?[0-9])(?=[^\\s\"'`(){}<>\\[\\]]{0,255}?[A-Za-z])(?=[^\\s]{6})"
#define VALUE_PLAIN Q_OPT "(?![ \\t]{0,16}+==)(?|=" WIDE "|" SEP "(?!//|:)" PLAIN PLAIN_END ")"
#define VALUE_PROSE "(?![ \\t]{0,16}+==)(?:" SEP "|[ \\t]{1,4}+(?:is|was)[ \\t:]{1,4}+)(?!//|:)" Q_OPT MIXED PLAIN "(?![(\\[])"

/* One piece of what stands between the lines of a key: line ends, indents, quotes, comment and diff signs, numbers, grep's paths. */
#define BETWEEN "(?:[\\s\"'`,+|>#*\\\\:-]|[0-9]{1,6}+[:|\\t \\x{2192}]|//[ \\t]|(?<=\\\\)[nrt]" \
	"|(?:(?<=[\\r\\n])|(?<=\\\\n))[^\\s:\\\\\"]{1,255}+:[0-9]{1,6}+[:-])"

#define PASSWORD_WORDS "(?:password|passwd|passphrase|passcode|pwd|psk)"
#define PASSWORD_LITERALS "password passwd passphrase passcode pwd psk"
#define KEY_WORDS "(?:secret(?:[_-]?(?:access)?[_-]?key)?|(?:api|access|private|signing|encryption|master|account|shared|subscription|pre-?shared" \
	"|auth|session|client|service|storage|admin)[ _-]?key|credentials?)"
#define KEY_LITERALS "secret presharedkey preshared_key pre-shared-key apikey api_key api-key api\tkey access\tkey subscription-key subscription_key subscriptionkey accesskey access_key access-key privatekey private_key private-key " \
	"signingkey signing_key encryptionkey encryption_key masterkey master_key accountkey account_key " \
	"sharedaccesskey authkey auth_key session_key client_key service_key storage_key admin_key credential"
/* In prose a name has one of these behind it: looking for both at once costs less. */
#define PASSWORD_PROSE "password: password\tis\t password\twas\t password\t: password\t= passwd: passwd\tis\t passwd\twas\t passwd\t: " \
	"passwd\t= passphrase: passphrase\tis\t passphrase\twas\t passphrase\t: passphrase\t= passcode: passcode\tis\t " \
	"passcode\twas\t passcode\t: passcode\t= pwd: pwd\tis\t pwd\twas\t pwd\t: pwd\t="
#define KEY_PROSE "token: token\tis\t token\twas\t token\t: token\t= secret: secret\tis\t secret\twas\t secret\t: secret\t= " \
	"api\tkey: api\tkey\tis\t api\tkey\twas\t api\tkey\t: api\tkey\t= apikey: apikey\tis\t apikey\twas\t apikey\t: " \
	"apikey\t= api_key: api_key\tis\t api_key\twas\t api_key\t: api_key\t= api-key: api-key\tis\t api-key\twas\t " \
	"api-key\t: api-key\t= access\tkey: access\tkey\tis\t access\tkey\twas\t access\tkey\t: access\tkey\t= " \
	"secret\tkey: secret\tkey\tis\t secret\tkey\twas\t secret\tkey\t: secret\tkey\t= access_key: access_key\tis\t " \
	"access_key\twas\t access_key\t: access_key\t= secret_key: secret_key\tis\t secret_key\twas\t secret_key\t: " \
	"secret_key\t= private_key: private_key\tis\t private_key\twas\t private_key\t: private_key\t= credential: " \
	"credential\tis\t credential\twas\t credential\t: credential\t= credentials: credentials\tis\t credentials\twas\t " \
	"credentials\t: credentials\t="
#define SUFFIX "(?:[_-]?(?:value|base|prod|production|dev|test|live|staging|[0-9]{1,3}))?+"

const struct rule_row rule_table[] = {
	/* Model providers */
	{ "anthropic-key", 1, false, "sk-ant-", "sk-ant-[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "openrouter-key", 1, false, "sk-or-", "sk-or-[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "langfuse-secret-key", 1, false, "sk-lf-", "sk-lf-[A-Za-z0-9_-]{8,}+", 0, CHECK_NONE },
	{ "openai-project-key", 1, false, "sk-proj- sk-svcacct- sk-admin- sk-None-",
	  "sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "openai-key", 1, false, "sk-", EDGE "sk-(?=[A-Za-z_-]{0,255}+[0-9])[A-Za-z0-9_-]{20,}+", 0, CHECK_NONE },
	{ "google-api-key", 1, false, "AIza", "AIza[A-Za-z0-9_-]{30,}+", 0, CHECK_NONE },
	{ "google-oauth-token", 1, false, "ya29.", EDGE "ya29\\.[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "google-oauth-secret", 1, false, "GOCSPX-", "GOCSPX-[A-Za-z0-9_-]{20,}+", 0, CHECK_NONE },
	{ "groq-key", 1, false, "gsk_", EDGE "gsk_[A-Za-z0-9]{20,}+", 0, CHECK_NONE },
	{ "huggingface-token", 1, false, "hf_ api_org_", EDGE "(?:hf|api_org)_[A-Za-z0-9]{30,}+", 0, CHECK_NONE },
	{ "xai-key", 1, false, "xai-", EDGE "xai-[A-Za-z0-9_-]{20,}+", 0, CHECK_MIXED },
	{ "perplexity-key", 1, false, "pplx-", EDGE "pplx-[A-Za-z0-9]{20,}+", 0, CHECK_NONE },
	{ "replicate-token", 1, false, "r8_", EDGE "r8_[A-Za-z0-9]{20,}+", 0, CHECK_NONE },
	{ "nvidia-key", 1, false, "nvapi-", "nvapi-[A-Za-z0-9_-]{20,}+", 0, CHECK_NONE },
	{ "langsmith-key", 1, false, "lsv2_", "lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}+", 0, CHECK_NONE },
	{ "tavily-key", 1, false, "tvly-", EDGE "tvly-[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "together-key", 1, false, "tgp_v1_", "tgp_v1_[A-Za-z0-9_-]{24,}+", 0, CHECK_NONE },
	{ "fireworks-key", 1, false, "fw_", EDGE "fw_[A-Za-z0-9]{20,}+", 0, CHECK_MIXED },
	{ "elevenlabs-key", 1, false, "sk_", EDGE "sk_[a-f0-9]{48}" STOP, 0, CHECK_NONE },
	{ "cerebras-key", 1, false, "csk-", EDGE "csk-[a-z0-9]{32,}+", 0, CHECK_MIXED },
	{ "pinecone-key", 1, false, "pcsk_", EDGE "pcsk_[A-Za-z0-9_]{32,}+", 0, CHECK_NONE },
	{ "anyscale-key", 1, false, "esecret_", EDGE "esecret_[A-Za-z0-9]{20,}+", 0, CHECK_MIXED },
	{ "firecrawl-key", 1, false, "fc-", EDGE "fc-[a-f0-9]{32}" STOP, 0, CHECK_NONE },
	{ "jina-key", 1, false, "jina_", EDGE "jina_[A-Za-z0-9_-]{40,}+", 0, CHECK_MIXED },
	{ "e2b-key", 1, false, "e2b_", EDGE "e2b_[a-f0-9]{32,}+", 0, CHECK_NONE },
	{ "runpod-key", 1, false, "rpa_", EDGE "rpa_[A-Z0-9]{32,}+", 0, CHECK_NONE },
	/* Clouds */
	{ "aws-access-key-id", 1, false, "AKIA ASIA ABIA ACCA", EDGE "A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}" STOP, 0, CHECK_NONE },
	{ "aws-secret-key", 1, true, "secret_access_key secretaccesskey secret-access-key aws_secret",
	  "(?:secret[_-]?access[_-]?key|aws_secret(?:_key)?)" Q_OPT "(?:" SEP "|[ \\t]{1,16}+)" Q_OPT "([A-Za-z0-9/+=]{40,}+)", 1, CHECK_NONE },
	{ "aws-bedrock-key", 1, false, "ABSK bedrock-api-key-", EDGE "(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/]{80,}+={0,2}", 0, CHECK_NONE },
	{ "azure-storage-key", 1, true, "accountkey= sharedaccesskey=", "(?:account|sharedaccess)key=([A-Za-z0-9+/=%]{32,}+)", 1, CHECK_NONE },
	{ "azure-client-secret", 1, false, "8Q~ 7Q~", "(?<=[A-Za-z0-9_~.-]{3})[78]Q~[A-Za-z0-9_~.-]{31,}+", 0, CHECK_NONE },
	{ "azure-key", 1, false, "JQQJ99 AzSe AzFu ACDb", "(?<=[A-Za-z0-9]{40})(?:JQQJ99[A-Za-z0-9]{12,}+|(?:AzSe|AzFu|ACDb)[A-Za-z0-9+/]{5,12}={0,2}" STOP ")",
	  0, CHECK_WORD },
	{ "cloudflare-origin-key", 1, false, "v1.0-", EDGE "v1\\.0-[a-f0-9]{24}-[a-f0-9]{100,}+", 0, CHECK_NONE },
	{ "vercel-token", 1, false, "vcp_ vck_ vci_ vca_ vcr_", EDGE "vc[pkiar]_[A-Za-z0-9]{24,}+", 0, CHECK_MIXED },
	{ "neon-key", 1, false, "napi_", EDGE "napi_[a-z0-9]{40,}+", 0, CHECK_MIXED },
	{ "openshift-token", 1, false, "sha256~", EDGE "sha256~[A-Za-z0-9_-]{40,}+", 0, CHECK_NONE },
	{ "yandex-key", 1, false, "AQVN", EDGE "AQVN[A-Za-z0-9_-]{32,}+", 0, CHECK_MIXED },
	{ "digitalocean-token", 1, false, "dop_v1_ doo_v1_ dor_v1_", "do[opr]_v1_[A-Za-z0-9]{32,}+", 0, CHECK_NONE },
	{ "alibaba-key-id", 1, false, "LTAI", EDGE "LTAI[A-Za-z0-9]{16,24}" STOP, 0, CHECK_MIXED },
	{ "databricks-token", 1, false, "dapi", EDGE "dapi[a-f0-9]{32}(?:-[0-9])?" STOP, 0, CHECK_NONE },
	{ "heroku-key", 1, false, "HRKU-", "HRKU-[A-Za-z0-9_-]{30,}+", 0, CHECK_NONE },
	{ "fly-token", 1, false, "fo1_ fm1r_ fm2_", EDGE "(?:fo1|fm1r|fm2)_[A-Za-z0-9+/=_-]{30,}+", 0, CHECK_NONE },
	{ "planetscale-token", 1, false, "pscale_", "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{20,}+", 0, CHECK_NONE },
	{ "supabase-key", 1, false, "sbp_ sb_secret_", EDGE "(?:sbp_[a-f0-9]{32,}+|sb_secret_[A-Za-z0-9_-]{16,}+)", 0, CHECK_NONE },
	{ "terraform-token", 1, false, ".atlasv1.", "(?<=[A-Za-z0-9]{14})\\.atlasv1\\.[A-Za-z0-9_=-]{40,}+", 0, CHECK_WORD },
	{ "netlify-token", 1, false, "nfp_", EDGE "nfp_[A-Za-z0-9]{30,}+", 0, CHECK_NONE },
	/* Code hosts and registries */
	{ "github-token", 1, false, "ghp_ gho_ ghu_ ghs_ ghr_", "gh[pousr]_[A-Za-z0-9]{30,}+", 0, CHECK_NONE },
	{ "github-fine-grained-token", 1, false, "github_pat_", "github_pat_[A-Za-z0-9_]{22,}+", 0, CHECK_NONE },
	{ "gitlab-token", 1, false, "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- glffct- gloas- GR1348941",
	  "(?:gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct|oas)-[A-Za-z0-9_.=-]{16,}+|GR1348941[A-Za-z0-9_-]{20,}+)", 0, CHECK_NONE },
	{ "atlassian-token", 1, false, "ATATT3 ATCTT3 ATBB", EDGE "(?:AT[AC]TT3|ATBB)[A-Za-z0-9_=-]{24,}+", 0, CHECK_NONE },
	{ "npm-token", 1, false, "npm_", EDGE "npm_[A-Za-z0-9]{30,}+", 0, CHECK_NONE },
	{ "pypi-token", 1, false, "pypi-", EDGE "pypi-[A-Za-z0-9_-]{32,}+", 0, CHECK_MIXED },
	{ "rubygems-key", 1, false, "rubygems_", EDGE "rubygems_[a-f0-9]{32,}+", 0, CHECK_NONE },
	{ "docker-token", 1, false, "dckr_pat_ dckr_oat_", "dckr_[po]at_[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "crates-token", 1, false, "cio", EDGE "cio[A-Za-z0-9]{32}" STOP, 0, CHECK_MIXED },
	{ "sourcegraph-token", 1, false, "sgp_", EDGE "sgp_[A-Za-z0-9_]{32,}+", 0, CHECK_NONE },
	{ "buildkite-token", 1, false, "bkua_", EDGE "bkua_[a-z0-9]{32,}+", 0, CHECK_NONE },
	{ "jfrog-key", 1, false, "AKCp cmVmdGtu", EDGE "(?:AKCp|cmVmdGtu)[A-Za-z0-9]{50,}+", 0, CHECK_NONE },
	{ "nuget-key", 1, false, "oy2", EDGE "oy2[a-z0-9]{43}" STOP, 0, CHECK_NONE },
	{ "clojars-token", 1, true, "clojars_", EDGE "clojars_[a-z0-9]{60}", 0, CHECK_NONE },
	{ "sonar-token", 1, false, "squ_ sqp_ sqa_", EDGE "sq[pua]_[a-f0-9]{40}" STOP, 0, CHECK_NONE },
	{ "prefect-key", 1, false, "pnu_ pnb_", EDGE "pn[ub]_[A-Za-z0-9]{36}" STOP, 0, CHECK_NONE },
	{ "readme-key", 1, false, "rdme_", EDGE "rdme_[a-z0-9]{64,}+", 0, CHECK_NONE },
	{ "infracost-key", 1, false, "ico-", EDGE "ico-[A-Za-z0-9]{32}" STOP, 0, CHECK_MIXED },
	{ "octopus-key", 1, false, "API-", EDGE "API-[A-Z0-9]{26,32}" STOP, 0, CHECK_MIXED },
	/* Payment, mail, chat */
	{ "stripe-key", 1, false, "sk_live_ sk_test_ rk_live_ rk_test_", "[sr]k_(?:live|test)_[A-Za-z0-9]{10,}+", 0, CHECK_NONE },
	{ "webhook-signing-secret", 1, false, "whsec_", "whsec_[A-Za-z0-9+/=]{20,}+", 0, CHECK_NONE },
	{ "slack-token", 1, false, "xoxb- xoxp- xoxa- xoxo- xoxs- xoxr- xoxc- xoxd- xoxe- xoxe. xapp-",
	  "(?:xox[bpaosrcde][.-]|xapp-)[A-Za-z0-9.%_-]{10,}+", 0, CHECK_NONE },
	{ "slack-webhook", 1, false, "hooks.slack.com/", "hooks\\.slack\\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{16,}+)", 1, CHECK_NONE },
	{ "discord-webhook", 1, false, "/api/webhooks/", "/api/webhooks/[0-9]{8,24}+/([A-Za-z0-9_-]{20,}+)", 1, CHECK_NONE },
	{ "teams-webhook", 1, true, ".webhook.office.com/", "\\.webhook\\.office\\.com/[a-z0-9]{1,32}+/([a-z0-9@/_-]{20,}+)", 1, CHECK_NONE },
	{ "telegram-bot-token", 1, false, ":AA", "(?<=[0-9]{8}):(AA[A-Za-z0-9_-]{32,}+)", 1, CHECK_NONE },
	{ "twilio-key", 1, false, "SK0 SK1 SK2 SK3 SK4 SK5 SK6 SK7 SK8 SK9 SKa SKb SKc SKd SKe SKf", EDGE "SK[0-9a-f]{32}" STOP, 0, CHECK_NONE },
	{ "sendgrid-key", 1, false, "SG.", EDGE "SG\\.[A-Za-z0-9_-]{16,64}+\\.[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "mailgun-key", 1, false, "key-", EDGE "key-[0-9a-f]{32}" STOP, 0, CHECK_NONE },
	{ "brevo-key", 1, false, "xkeysib- xsmtpsib-", "x(?:key|smtp)sib-[A-Za-z0-9-]{32,}+", 0, CHECK_NONE },
	{ "resend-key", 1, false, "re_", EDGE "re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{20,}+", 0, CHECK_MIXED },
	{ "shopify-token", 1, false, "shpat_ shpca_ shppa_ shpss_", "shp(?:at|ca|pa|ss)_[A-Za-z0-9]{24,}+", 0, CHECK_NONE },
	{ "square-token", 1, false, "sq0atp- sq0csp- EAAAE EAAAl", EDGE "(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}+|EAAA[El][A-Za-z0-9_-]{55,64}" STOP ")", 0, CHECK_NONE },
	{ "facebook-token", 1, false, "EAA", EDGE "EAA[A-Za-z0-9]{80,}+", 0, CHECK_MIXED },
	{ "braintree-token", 1, false, "access_token$", "access_token\\$(?:production|sandbox)\\$[a-z0-9]{16}\\$[a-f0-9]{32}", 0, CHECK_NONE },
	{ "plaid-token", 1, false, "access-sandbox- access-development- access-production-",
	  EDGE "access-(?:sandbox|development|production)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}", 0, CHECK_NONE },
	{ "easypost-key", 1, false, "EZAK EZTK", EDGE "EZ[AT]K[A-Za-z0-9]{54}" STOP, 0, CHECK_NONE },
	{ "flutterwave-key", 1, false, "FLWSECK", EDGE "FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}+(?:-X)?", 0, CHECK_NONE },
	{ "duffel-token", 1, false, "duffel_", EDGE "duffel_(?:test|live)_[A-Za-z0-9_=-]{40,}+", 0, CHECK_NONE },
	{ "shippo-token", 1, false, "shippo_", EDGE "shippo_(?:live|test)_[a-f0-9]{40}" STOP, 0, CHECK_NONE },
	{ "discord-bot-token", 1, false, /* the base64 of a number */
	  "MTA MTE MTI MTM MTQ MTU MTY MTc MTg MTk MDA MDE MDI MDM MDQ MDU MDY MDc MDg MDk MjA MjE MjI MjM MjQ MjU MjY Mjc Mjg Mjk MzA MzE MzI MzM MzQ MzU MzY Mzc Mzg Mzk "
	  "NTA NTE NTI NTM NTQ NTU NTY NTc NTg NTk NDA NDE NDI NDM NDQ NDU NDY NDc NDg NDk NjA NjE NjI NjM NjQ NjU NjY Njc Njg Njk NzA NzE NzI NzM NzQ NzU NzY Nzc Nzg Nzk "
	  "OTA OTE OTI OTM OTQ OTU OTY OTc OTg OTk ODA ODE ODI ODM ODQ ODU ODY ODc ODg ODk OjA OjE OjI OjM OjQ OjU OjY Ojc Ojg Ojk OzA OzE OzI OzM OzQ OzU OzY Ozc Ozg Ozk",
	  EDGE "[MNO][TDjz](?:[A-Za-z0-9_-]{22}|[A-Za-z0-9_-]{24})\\.[GXY][A-Za-z0-9_-]{5}\\.[A-Za-z0-9_-]{27,}+", 0, CHECK_MIXED },
	{ "mailchimp-key", 1, false, "-us", "(?<=[a-f0-9]{32})-us[0-9]{1,2}" STOP, 0, CHECK_WORD },
	{ "hubspot-token", 1, false, "pat-na1- pat-na2- pat-eu1- pat-ap1-", EDGE "pat-(?:na|eu|ap)[12]-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}", 0, CHECK_NONE },
	/* Tools */
	{ "vault-token", 1, false, "hvs. hvb. hvr.", EDGE "hv[sbr]\\.[A-Za-z0-9_-]{20,}+", 0, CHECK_NONE },
	{ "doppler-token", 1, false, "dp.", EDGE "dp\\.(?:pt|st|sa|ct|scim|audit)\\.[A-Za-z0-9_.-]{24,}+", 0, CHECK_NONE },
	{ "linear-key", 1, false, "lin_api_ lin_oauth_", "lin_(?:api|oauth)_[A-Za-z0-9]{24,}+", 0, CHECK_NONE },
	{ "notion-token", 1, false, "ntn_ secret_", EDGE "(?:ntn_[A-Za-z0-9]{32,}+|secret_[A-Za-z0-9]{43}" STOP ")", 0, CHECK_NONE },
	{ "tailscale-key", 1, false, "tskey-", "tskey-[a-z]{2,16}+-[A-Za-z0-9-]{12,}+", 0, CHECK_NONE },
	{ "grafana-token", 1, false, "glsa_ glc_ eyJrIjoi", EDGE "(?:glsa_[A-Za-z0-9_]{32,}+|glc_[A-Za-z0-9+/=]{32,}+|eyJrIjoi[A-Za-z0-9]{60,}+={0,2})", 0, CHECK_NONE },
	{ "new-relic-key", 1, false, "NRAK- NRII- NRRA-", EDGE "NR(?:AK|II|RA)-[A-Za-z0-9]{24,}+", 0, CHECK_NONE },
	{ "postman-key", 1, false, "PMAK-", "PMAK-[a-f0-9]{20,}+(?:-[a-f0-9]{20,}+)?", 0, CHECK_NONE },
	{ "pulumi-token", 1, false, "pul-", EDGE "pul-[a-f0-9]{40}" STOP, 0, CHECK_NONE },
	{ "sentry-token", 1, false, "sntrys_ sntryu_", "sntry[su]_[A-Za-z0-9+/=_-]{32,}+", 0, CHECK_NONE },
	{ "figma-token", 1, false, "figd_ figu_", "fig[du]_[A-Za-z0-9_-]{24,}+", 0, CHECK_NONE },
	{ "one-password-token", 1, false, "ops_eyJ", "ops_eyJ[A-Za-z0-9_=+/-]{40,}+", 0, CHECK_NONE },
	{ "one-password-secret-key", 1, false, "A3-", EDGE "A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}" STOP, 0, CHECK_NONE },
	{ "airtable-token", 1, false, "pat", EDGE "pat[A-Za-z0-9]{14}\\.[a-f0-9]{64}" STOP, 0, CHECK_NONE },
	{ "asana-token", 1, false, "1/1 2/1", EDGE "[12]/1[0-9]{12,18}(?:/[0-9]{12,19})?:[a-f0-9]{32}" STOP, 0, CHECK_NONE },
	{ "dropbox-token", 1, false, "sl.", EDGE "sl\\.(?:u\\.)?[A-Za-z0-9_-]{100,}+", 0, CHECK_MIXED },
	{ "contentful-token", 1, false, "CFPAT-", EDGE "CFPAT-[A-Za-z0-9_-]{40,}+", 0, CHECK_NONE },
	{ "typeform-token", 1, false, "tfp_", EDGE "tfp_[A-Za-z0-9_-]{40,}+", 0, CHECK_MIXED },
	{ "frameio-token", 1, false, "fio-u-", EDGE "fio-u-[A-Za-z0-9_=-]{40,}+", 0, CHECK_MIXED },
	{ "posthog-key", 1, false, "phx_ phs_", EDGE "ph[xs]_[A-Za-z0-9]{36,}+", 0, CHECK_MIXED },
	{ "dynatrace-token", 1, false, "dt0c01. dt0s01. dt0s16.", EDGE "dt0[cs][0-9]{2}\\.[A-Z0-9]{8,32}\\.[A-Z0-9]{40,}+", 0, CHECK_NONE },
	{ "launchdarkly-key", 1, false, "sdk- api-", EDGE "(?:sdk|api)-[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[a-f0-9]{4}-[a-f0-9]{12}" STOP, 0, CHECK_NONE },
	{ "harness-token", 1, false, "pat. sat.", EDGE "[ps]at\\.[A-Za-z0-9_-]{22}\\.[a-f0-9]{24}\\.[A-Za-z0-9]{20}" STOP, 0, CHECK_NONE },
	{ "mapbox-secret-token", 1, false, "sk.eyJ", EDGE "sk\\.eyJ[A-Za-z0-9_-]{20,}+\\.[A-Za-z0-9_-]{16,}+", 0, CHECK_NONE },
	{ "trello-token", 1, false, "ATTA", EDGE "ATTA[a-f0-9]{64,72}" STOP, 0, CHECK_NONE },
	{ "adobe-secret", 1, false, "p8e-", EDGE "p8e-[A-Za-z0-9]{32}" STOP, 0, CHECK_MIXED },
	{ "zuplo-key", 1, false, "zpka_", EDGE "zpka_[A-Za-z0-9_]{30,}+", 0, CHECK_MIXED },
	{ "maxmind-key", 1, false, "_mmk", "(?<=[A-Za-z0-9]{6}_[A-Za-z0-9]{29})_mmk" STOP, 0, CHECK_WORD },
	{ "age-secret-key", 1, true, "age-secret-key-", "age-secret-key-(?:pq-)?1[a-z0-9]{40,}+", 0, CHECK_NONE },
	/* Shapes */
	{ "jwt", 1, false, "eyJ", EDGE "(?|(eyJ[A-Za-z0-9_-]{8,}+\\.(?:eyJ[A-Za-z0-9_-]{4,}+\\.[A-Za-z0-9_-]*+|[A-Za-z0-9_-]*+"
	  "(?:\\.[A-Za-z0-9_-]++){3}))|eyJ[A-Za-z0-9_-]*+)", 1, CHECK_NONE },
	/* Up to its end; where another BEGIN or nothing follows, the lines that look like its body. */
	{ "private-key", 1, false, "-----BEGIN", "-----BEGIN[ A-Z0-9]{0,48}?PRIVATE KEY(?: BLOCK)?-----"
	  "(?:(?:[^-]++|-(?!----))*+-{5,6}END[ A-Z0-9]{0,48}(?:-{5}|$)"
	  "|(?:" BETWEEN "*+"
	  "(?:[A-Za-z0-9+/=]{16,1024}+|[A-Za-z0-9+/]{1,15}={1,2}|(?:Proc-Type|DEK-Info|Version|Comment):[^\\r\\n\\\\]{0,128}+))*+"
	  "(?:\\s{0,8}+[A-Za-z0-9+/]{1,15}={0,2}\\s{0,8}+\\z)?)", 0, CHECK_NONE },
	{ "private-key-tail", 1, false, "-----END", "-----END[ A-Z0-9]{0,48}?PRIVATE KEY(?: BLOCK)?-----", 0, CHECK_BODY },
	{ "openssh-private-key-body", 1, false, "b3BlbnNzaC1rZXktdjE",
	  "b3BlbnNzaC1rZXktdjE(?:[A-Za-z0-9+/=]++|" BETWEEN "++(?=[A-Za-z0-9+/=]{20}))*+",
	  0, CHECK_NONE },
	{ "putty-private-key", 1, false, "PuTTY-User-Key-File-",
	  "PuTTY-User-Key-File-[0-9]:(?:[^P]++|P(?!rivate-Lines:|uTTY-User-Key))*+Private-Lines:[ 0-9]{1,8}+"
	  "(?:" BETWEEN "*+(?:Private-(?:MAC|Hash):[ ]?)?+(?:[A-Za-z0-9+/=]{16,128}+|[A-Za-z0-9+/]{1,15}={1,2}"
	  "|(?:[A-Za-z0-9+/]{4}){1,3}(?=" BETWEEN "++Private-)))*+", 0, CHECK_NONE },
	{ "ssh2-private-key", 1, false, "----\tBEGIN\tSSH2", "---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----"
	  "(?:" BETWEEN "*+(?:[A-Za-z0-9+/=]{16,1024}+|[A-Za-z0-9+/]{1,15}={1,2}|(?:Comment|Subject):[^\\r\\n\\\\]{0,128}+(?:\\\\{1,15}+\"[^\\r\\n\\\\]{0,128}+){0,4}+))*+", 0, CHECK_NONE },
	{ "jwk-private-key", 1, false, "\"d\" \"d\\", "\"d\\\\{0,15}+\"" SEP "\\\\{0,15}+\"(?=[a-z0-9_-]{0,255}+[A-Z])([A-Za-z0-9_-]{40,}+)(?=\\\\{0,15}+\")", 1, CHECK_MIXED },
	{ "minisign-secret-key", 1, false, "RWRTY0Iy RWRCSwAAA", EDGE "RWR(?:TY0Iy|CSwAAA)[A-Za-z0-9+/]{100,}+={0,2}", 0, CHECK_NONE },
	{ "extended-private-key", 1, false, "xprv9 xprvA tprv8", EDGE "[xt]prv[89A][A-Za-z0-9]{100,}+", 0, CHECK_NONE },
	/* Places: what stands there is a secret whatever it looks like */
	{ "environment", 2, false, "TOKEN SECRET PASSWORD PASSWD PASSPHRASE APIKEY API_KEY ACCESS_KEY PRIVATE_KEY SECRET_KEY CREDENTIAL "
	  "AUTH_KEY ENCRYPTION_KEY SIGNING_KEY _PWD _PASS _AUTH",
	  "(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|(?:API|ACCESS|PRIVATE|SECRET|AUTH|ENCRYPTION|SIGNING)_?KEY|CREDENTIALS?|_PWD|_PASS|_AUTH)"
	  "(?!_(?:FILE|PATH|DIR|NAME|URL|URI|ID|TYPE|TTL|COUNT|LIMIT|SIZE|LENGTH|HEADER|EXPIR[A-Z]{1,5}|COMMAND|CMD|HELPER)\\b)"
	  "(?:_[A-Z0-9_]{1,48}+)?(?|=(\\\\{0,15}+[\"'])((?:(?!(?<!\\\\)\\1)(?:\\\\[^\\r\\n]|[^\\\\\\r\\n]))++)|()=([^\\s\"'`\\\\;&|<>]{3,4096}+)"
	  "|()" BETWEEN "++[Vv]alue" NAME_SEP Q_OPT "([^\\s\"'`\\\\]{3,4096}+))",
	  2, CHECK_VALUE },
	{ "environment-command", 2, false, "ENV\t ARG\t setenv\t setx\t set\t-",
	  EDGE "(?:ENV|ARG|setenv|setx|set -[a-zA-Z]{1,3})[ \\t]{1,8}+(?=[A-Z0-9_]{0,64}?(?:TOKEN|SECRET|PASSWORD|PASSWD|PASS|KEY|AUTH|CREDENTIALS?)[ \\t])"
	  "[A-Z0-9_]{1,128}+[ \\t]{1,8}+" Q_OPT "([^\\s\"'`\\\\;&|<>]{3,4096}+)", 1, CHECK_CODE },
	{ "authorization", 2, true, "authorization",
	  "authorization(?:" NAME_SEP "|(?<=[\"'`]authorization)" Q "[ \\t]{0,8}+,[ \\t]{0,8}+(?=" Q "[a-z-]{0,24}+[ 0-9]))" Q_OPT
	  "(?|(?:bearer|basic|token|apikey|api-key|negotiate|key|bot|splunk|sso-key|ssws|geniekey|jwt|ntlm)[ \\t]{1,16}+([^\\s\"'`\\\\]{1,8192}+)"
	  "|(?:digest|aws4-hmac-sha256|hmac|signature|oauth)[ \\t]{1,16}+((?:[^\\r\\n'`\\\\]{1,1024}+|\\\\{1,15}+\")++)"
	  "|[a-z][a-z0-9_-]{1,31}+[ \\t]{1,4}+(?=[^\\s]{0,255}?[0-9])([^\\s\"'`\\\\]{20,8192}+)"
	  "|([^\\s\"'`\\\\,;(){}<>]{8,8192}+))", 1, CHECK_CODE },
	{ "bearer-token", 2, true, "bearer", EDGE "bearer[ \\t]{1,16}+([A-Za-z0-9._~+/=-]{16,}+)", 1, CHECK_TOKEN },
	{ "cookie", 2, true, "cookie", "cookie2?" NAME_SEP Q_OPT "([^\\s=;\"'`\\\\]{1,128}+=[^\\r\\n\"'`\\\\]{1,16384}+)", 1, CHECK_NONE },
	{ "signed-url", 2, true, "x-amz-signature= x-amz-security-token= x-amz-credential= x-goog-signature= ?sig= &sig= "
	  "?signature= &signature= &amp;sig= ?key= &key= ?auth= &auth= ?code= &code= \\u0026sig= \\u0026signature=",
	  "(?:x-(?:amz|goog)-[a-z]{3,10}(?:-token)?|(?:[?&]|&amp;|\\\\u0026)(?:sig|signature|key|auth|code))="
	  "([^\\s\"'`&#<>\\\\]{8,}+)", 1, CHECK_CODE },
	{ "url-parameter", 2, true, "access_token= refresh_token= id_token= api_key= apikey= client_secret= auth_token= "
	  "?token= &token= ?password= &password= ?secret= &secret=",
	  "(?:(?:access|refresh|id|auth)_token|api_?key|client_secret|[?&](?:token|password|secret))="
	  "([^\\s\"'`&#<>\\\\,;(){}\\[\\]]{4,}+)", 1, CHECK_CODE },
	{ "secret-header", 2, true, "x-a x-b x-c x-d x-e x-f x-g x-h x-i x-j x-k x-l x-m x-n x-o x-p x-q x-r x-s x-t x-u x-v x-w x-x x-y x-z",
	  EDGE "x-(?!cache-|idempotency-|sort-|request-)(?:[a-z0-9]{1,24}+-){0,5}(?:key|token|secret|signature|auth|authorization)(?:-[a-z0-9]{1,8})?"
	  "(?:" NAME_SEP "|" Q "[ \\t]{0,8}+,[ \\t]{0,8}+(?=" Q "[^\"'`\\s]{0,255}?[0-9]))" Q_OPT PLAIN, 1, CHECK_CODE },
	{ "url-password", 2, false, "://", ":\\/\\/[^\\s\"'`<>/@:]{0,256}+:([^\\s\"'`<>/]{1,512})@", 1, CHECK_VALUE },
	{ "url-token", 2, false, "://", "://([A-Za-z0-9_-]{20,512}+)@", 1, CHECK_MIXED },
	/* Names */
	{ "registry-auth", 2, false, "\"auth 'auth _auth", "[\"'_]auth" Q_OPT SEP Q_OPT "([A-Za-z0-9+/]{12,}+={0,2})(?![A-Za-z0-9_-])", 1, CHECK_MIXED },
	{ "kubernetes-key", 2, false, "client-key-data tls.key", "(?:client-key-data|tls\\.key)" NAME_SEP Q_OPT "([A-Za-z0-9+/=]{16,}+)", 1, CHECK_NONE },
	{ "pgpass", 2, false, ":5432: :5433: :6432:", ":[56]43[23]:[^:\\s\"'\\\\]{1,64}+:[^:\\s\"'\\\\]{1,64}+:([^:\\s\"'\\\\]{3,256}+)", 1, CHECK_VALUE },
	{ "command-line", 2, true, "--password --passwd --passphrase --token --secret --api-key --apikey --access-token --auth-token "
	  "--secret-key --client-secret --private-token --access-key",
	  "--(?:password|passwd|passphrase|secret(?:-key)?|api-?key|client-secret|access-key|(?:(?:access|auth|private)-)?token)"
	  "(?:=|[ \\t]{1,16}+)(?|(" Q ")((?:(?!(?<!\\\\)\\1)(?:\\\\[^\\r\\n]|[^\\\\\\r\\n]))++)|()([^\\s\"'`\\\\;&|<>-][^\\s\"'`\\\\;&|<>]{2,1023}+))",
	  2, CHECK_TOKEN },
	{ "password", 2, true, PASSWORD_LITERALS, PASSWORD_WORDS SUFFIX NAME_SEP QUOTED(1), 2, CHECK_VALUE },
	{ "password-plain", 2, true, PASSWORD_LITERALS, PASSWORD_WORDS SUFFIX VALUE_PLAIN, 1, CHECK_PASSWORD },
	{ "password-prose", 2, true, PASSWORD_PROSE, PASSWORD_WORDS VALUE_PROSE, 1, CHECK_PROSE },
	{ "secret", 2, true, KEY_LITERALS, KEY_WORDS SUFFIX NAME_SEP QUOTED(1), 2, CHECK_VALUE },
	{ "secret-plain", 2, true, KEY_LITERALS, "(?<!::|[0-9]{12}:)" KEY_WORDS SUFFIX VALUE_PLAIN, 1, CHECK_TOKEN },
	{ "token", 2, true, "token", "token" SUFFIX NAME_SEP QUOTED(1), 2, CHECK_TOKEN },
	{ "token-plain", 2, true, "token", "(?<!::|[0-9]{12}:)token" SUFFIX VALUE_PLAIN, 1, CHECK_TOKEN },
	{ "secret-prose", 2, true, KEY_PROSE, "(?<!::|[0-9]{12}:)(?:" KEY_WORDS "|token)" VALUE_PROSE, 1, CHECK_PROSE },
	{ "command-line-user", 2, false, "-u\t -u= --user", "(?<![A-Za-z0-9-])(?:-u|--user)(?:=|[ \\t]{1,8}+)" Q_OPT
	  "[^\\s:\"'`\\\\]{1,128}+:(?!:)([^\\s\"'`\\\\]{3,512}+)", 1, CHECK_CODE },
	{ "command-line-password", 2, false, "sshpass mysql mariadb redis-cli docker podman",
	  EDGE "(?:sshpass[ \\t]{1,8}+-p[ \\t]{0,8}+|(?:mysql|mariadb)(?:-?dump|-?admin)?[ \\t](?:[^\\r\\n|;&]{0,256}?[ \\t])?-p(?=[^ \\t])"
	  "|redis-cli[ \\t](?:[^\\r\\n|;&]{0,256}?[ \\t])?-a[ \\t]{1,8}+|(?:docker|podman)[ \\t]{1,8}+login[ \\t](?:[^\\r\\n|;&]{0,256}?[ \\t])?-p[ \\t]{1,8}+)"
	  Q_OPT "([^\\s\"'`\\\\;&|]{3,512}+)", 1, CHECK_VALUE },
	{ "element", 2, true, "password> passwd> passphrase> secret> token> apikey> api_key> api-key> privatekey> accesskey> secretkey>",
	  "(?:password|passwd|passphrase|secret|token|(?:api|private|access|secret)[_-]?key)>\\s{0,16}+([^<>\\s]{3,2048}+)\\s{0,16}+<\\\\?/", 1, CHECK_TOKEN },
	{ "netrc", 2, false, "machine", EDGE "machine[ \\t]{1,8}+[^\\s\\\\]{1,256}+" BETWEEN "++login[ \\t]{1,16}+[^\\s\\\\]{1,256}+" BETWEEN "++"
	  "password[ \\t]{1,16}+([^\\s\"'\\\\]{1,512}+)", 1, CHECK_VALUE },
	/* Names that other code counts under */
	{ RULE_KEY_NAME, 2, false, "", NULL, 0, CHECK_VALUE },
	{ RULE_DENIED, 1, false, "", NULL, 0, CHECK_NONE },
	/* Personal data, on request, searched through the whole text: the name up to its dash is the kind that redact_pii lists */
	{ "email-address", 3, true, "", "@(?:[A-Za-z0-9-]{1,63}+\\.){1,8}[A-Za-z]{2,24}+(?![A-Za-z0-9_-])", 0, CHECK_EMAIL },
	{ "phone-number", 3, false, "",
	  "(?:\\+[1-9](?:[ .()-]{0,3}+[0-9]){6,14}+|\\([2-9][0-9]{2}\\) ?[2-9][0-9]{2}[. -][0-9]{4}"
	  "|(?<=[2-9][0-9]{2})([.-])[2-9][0-9]{2}\\1[0-9]{4})(?![A-Za-z0-9]|[.-][0-9])", 0, CHECK_PHONE },
	{ "card-number", 3, false, "", EDGE "(?<![._-])(?:[0-9]{12,19}+|[0-9]{4}([ -])[0-9]{4}\\1[0-9]{4}\\1[0-9]{4}(?:\\1[0-9]{3})?|[0-9]{4}([ -])[0-9]{6}\\2[0-9]{5})"
	  "(?![A-Za-z0-9_]|[.-][0-9])", 0, CHECK_CARD },
	{ "ip-address", 3, true, "",
	  "(?:[0-9]\\.[0-9]{1,3}+\\.[0-9]{1,3}+\\.[0-9]{1,3}+(?![A-Za-z0-9_]|[.-][A-Za-z0-9])|(?:[0-9a-f]:|::)[0-9a-f:.]{1,44}+)", 0, CHECK_IP },
	{ "iban", 3, false, "", EDGE "[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}+(?: ?[A-Z0-9]{1,3})?" STOP, 0, CHECK_IBAN },
};

const unsigned rule_table_count = sizeof rule_table / sizeof *rule_table;

/* A suffix begins there, a quote, or what stands between a name and its value. */
#define NAME_NEXT "_-vbpdtlsVBPDTLS0123456789\"'`\\ \t:="
/* The second letters of a suffix: "tokens" has none. */
#define SUFFIX_NEXT "areitAREIT"

const struct rule_must rule_musts[] = {
	{ "airtable-token", ".", 14, 14, NULL },
	{ "discord-bot-token", ".", 21, 23, NULL },
	{ "resend-key", "_", 6, 12, NULL },
	{ "password", NAME_NEXT, 0, 0, SUFFIX_NEXT },
	{ "password-plain", NAME_NEXT, 0, 0, SUFFIX_NEXT },
	{ "secret", NAME_NEXT "aAkK", 0, 0, NULL },
	{ "secret-plain", NAME_NEXT "aAkK", 0, 0, NULL },
	{ "token", NAME_NEXT, 0, 0, SUFFIX_NEXT },
	{ "token-plain", NAME_NEXT, 0, 0, SUFFIX_NEXT },
};
const unsigned rule_must_count = sizeof rule_musts / sizeof *rule_musts;
