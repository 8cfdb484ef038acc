EXTRA_DIST += contrib/screenshots
dist_doc_DATA = README.md ChangeLog contrib/doc/security.md contrib/doc/rollout.md contrib/doc/migration.md contrib/doc/hacking.md contrib/doc/speed.md
EXTRA_DIST += contrib/prometheus/lfspool.rules.yml contrib/prometheus/lfspool.rules.test.yml contrib/grafana/lfspool.json
EXTRA_DIST += contrib/backends
EXTRA_DIST += contrib/quickstart contrib/lfspool.conf.example

# What starts the daemon names the program where it is installed.
started_by = contrib/systemd/lfspool.service contrib/launchd/org.lfspool.plist contrib/xdg/lfspool.desktop
$(started_by): Makefile
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)sed 's|@bindir[@]|$(bindir)|g' $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
contrib/systemd/lfspool.service: contrib/systemd/lfspool.service.in
contrib/launchd/org.lfspool.plist: contrib/launchd/org.lfspool.plist.in
contrib/xdg/lfspool.desktop: contrib/xdg/lfspool.desktop.in
EXTRA_DIST += contrib/systemd/lfspool.service.in contrib/launchd/org.lfspool.plist.in contrib/xdg/lfspool.desktop.in
CLEANFILES += $(started_by)
systemduserunit_DATA = contrib/systemd/lfspool.service
# These two are copied by the user who wants them.
startdir = $(datadir)/lfspool
start_DATA = contrib/launchd/org.lfspool.plist contrib/xdg/lfspool.desktop

claudecodedir = $(datadir)/lfspool/claude-code
dist_claudecode_SCRIPTS = contrib/claude-code/lfspool-nudge
dist_claudecode_DATA = contrib/claude-code/settings.json contrib/claude-code/README.md

opencodeplugindir = $(datadir)/lfspool/opencode-plugin
dist_opencodeplugin_DATA = contrib/opencode-plugin/lfspool.js contrib/opencode-plugin/package.json

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_zshcompletion_DATA = contrib/completion/_lfspool
dist_fishcompletion_DATA = contrib/completion/lfspool.fish
EXTRA_DIST += contrib/completion/lfspool.bash
# bash looks for a file of the command's own name.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) '$(srcdir)/contrib/completion/lfspool.bash' '$(DESTDIR)$(bashcompletiondir)/lfspool'
uninstall-hook:
	rm -f '$(DESTDIR)$(bashcompletiondir)/lfspool'

EXTRA_DIST += contrib/debian/build contrib/debian/try contrib/debian/changelog contrib/debian/control contrib/debian/copyright \
	contrib/debian/rules contrib/debian/source/format
EXTRA_DIST += contrib/rpm/lfspool.spec contrib/homebrew/lfspool.rb
