EXTRA_DIST += contrib/quickstart contrib/lfspool.conf.example contrib/systemd/lfspool.service contrib/launchd/org.lfspool.plist
