EXTRA_DIST += contrib/quickstart contrib/lfspool.conf.example contrib/systemd/lfspool.service contrib/launchd/org.lfspool.plist

opencodeplugindir = $(datadir)/lfspool/opencode-plugin
dist_opencodeplugin_DATA = contrib/opencode-plugin/lfspool.js contrib/opencode-plugin/package.json
