"""What a build fetches beside packages, and cannot have: fonts, install scripts' and prebuilt programs."""

from __future__ import annotations

from failure_advice.rule import BUILDING, Rule
from robust_error_handler import Code

DOWNLOADS = (
    Rule(
        name="install-script-download",
        stages=BUILDING,
        code=Code.NETWORK,
        message="The package {package} downloads a program while it is installed, and the address does not answer.",
        remedy="Let the server reach the address in the lines shown (internet connection, DNS, HTTPS_PROXY), or choose "
        "a version of {package} that brings its programs with it.",
        patterns=(
            r"^error /\S{0,200}node_modules/(?P<package>[@\w./-]{1,100}): Command failed",
            r"npm (?:error|ERR!) path /\S{0,200}node_modules/(?P<package>[@\w./-]{1,100})\n"
            r"npm (?:error|ERR!) command failed",
        ),
        also=r"(?:getaddrinfo|connect) (?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT)|related to network connectivity",
        retry=True,
        before=0,
        after=18,
    ),
    Rule(
        name="google-font",
        stages=BUILDING,
        code=Code.NETWORK,
        message="next/font could not fetch the font {font} from Google while building.",
        remedy="Use `next/font/local` with the font file in the repository; or let the server reach "
        "fonts.googleapis.com.",
        patterns=(
            r"Failed to fetch (?:font )?`(?P<font>[^`]+)`(?: from Google Fonts|[.:])",
            r"next/font.{0,200}(?:Failed to fetch|fonts\.googleapis\.com)",
            r"Error while requesting resource.{0,200}fonts\.g(?:oogleapis|static)\.com",
        ),
    ),
    Rule(
        name="prebuilt-download",
        stages=BUILDING,
        code=Code.DEPENDENCY_NOT_FOUND,
        message="The dependency {package} fetches a ready-made program while it is installed, and could not.",
        remedy="Let the server reach the address in the lines shown, choose a version of {package} that ships its "
        "programs as packages, or skip the download in the build (for example PUPPETEER_SKIP_DOWNLOAD=1).",
        patterns=(
            r"(?P<package>sharp): (?:Installation error|Please add|Attempting to build from source)",
            r"Failed to set up (?P<package>Chrome|Chromium|Firefox)",
            r"(?:Failed to download|Download failed for) (?P<package>Chrom\w+|Firefox|Electron|Cypress|Playwright\S*)",
            r"The (?P<package>Cypress) App could not be downloaded",
            r"(?P<package>Prisma|prisma|@prisma/engines).{0,120}(?:[Ff]ailed to fetch|request to) .{0,60}binaries\.prisma\.sh",
            r"Failed to fetch (?:the engine file|sha256 checksum) at https://(?P<package>binaries\.prisma\.sh)",
            r"node-pre-gyp.{0,200}(?:Tried to download\(\d+\)|response status 40[34]).{0,200}/(?P<package>[\w-]+)",
            r"prebuild-install (?:warn install|ERR!).{0,200}",
            r"Cannot find module '?(?P<package>@rollup/rollup-[\w-]+)",
            r"The package \"(?P<package>@esbuild/[\w-]+)\" could not be found",
            r"Cannot find module '(?P<package>(?:lightningcss|@swc/core|@tailwindcss/oxide)-[\w-]+|\.\./lightningcss[\w.-]+)'",
            r"request to https?://(?P<package>downloads\.sentry-cdn\.com|\S*node-sass\S*) failed",
            r"Cannot download \"\S*(?P<package>node-sass)",
        ),
        before=8,
    ),
)
