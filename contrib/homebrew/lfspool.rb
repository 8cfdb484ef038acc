# From a checkout: brew install --HEAD contrib/homebrew/lfspool.rb. A release adds its url and sha256.
class Lfspool < Formula
  desc "Ship what coding agents did to a self-hosted Langfuse"
  homepage "https://lfspool.example"
  license "MIT"
  head do
    url "file://#{File.expand_path("../..", __dir__)}", using: :git, branch: "main"
    depends_on "autoconf" => :build
    depends_on "automake" => :build
  end

  depends_on "pkgconf" => :build
  depends_on "curl"
  depends_on "inih"
  depends_on "libmicrohttpd"
  depends_on "pcre2"
  depends_on "sqlite"
  depends_on "xxhash"
  uses_from_macos "zlib"

  def install
    system "autoreconf", "--install" if build.head?
    system "./configure", "--without-systemd", "--with-systemduserunitdir=no",
           "bashcompletiondir=#{bash_completion}", *std_configure_args
    system "make", "install"
  end

  service do
    run [opt_bin/"lfspool", "run", "--set", "log_dir=#{Dir.home}/Library/Logs/lfspool"]
    keep_alive successful_exit: false
    process_type :background
  end

  test do
    ENV["LFSPOOL_SPOOL_DIR"] = testpath/"spool"
    assert_match "lfspool #{version}", shell_output("#{bin}/lfspool --version") if build.stable?
    assert_match "0 lost, 0 duplicated", shell_output("#{bin}/lfspool demo")
  end
end
