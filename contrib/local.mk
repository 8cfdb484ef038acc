EXTRA_DIST += contrib/prometheus/lfspool.rules.yml contrib/prometheus/lfspool.rules.test.yml contrib/grafana/lfspool.json
EXTRA_DIST += contrib/quickstart contrib/lfspool.conf.example contrib/systemd/lfspool.service contrib/launchd/org.lfspool.plist

claudecodedir = $(datadir)/lfspool/claude-code
dist_claudecode_SCRIPTS = contrib/claude-code/lfspool-nudge
dist_claudecode_DATA = contrib/claude-code/settings.json contrib/claude-code/README.md

opencodeplugindir = $(datadir)/lfspool/opencode-plugin
dist_opencodeplugin_DATA = contrib/opencode-plugin/lfspool.js contrib/opencode-plugin/package.json
