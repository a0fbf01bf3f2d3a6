#!/bin/sh
# Fetches the typefaces and the word list that the synthetic pages are drawn with.
#
#   model/training/fetch_fonts.sh FOLDER
#
# fills FOLDER/fonts (85 free typefaces, 13 MB) and FOLDER/words from Debian packages,
# without installing anything: `apt-get download` and `dpkg -x` need no root rights, only a
# Debian or Ubuntu machine whose package lists are fresh (`apt-get update`). Copy the folder to
# the training machine afterwards; training itself needs no network.
set -eu

target=${1:?usage: fetch_fonts.sh FOLDER}
mkdir -p "$target/fonts"
target=$(cd "$target" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="
  fonts-3270 fonts-anonymous-pro fonts-b612 fonts-breip fonts-comic-neue fonts-courier-prime
  fonts-crosextra-caladea fonts-crosextra-carlito fonts-dejavu-core
  fonts-dosis fonts-freefont-ttf fonts-glasstty fonts-go fonts-hack fonts-inconsolata
  fonts-jura fonts-league-mono fonts-liberation fonts-mononoki fonts-noto-mono
  fonts-ocr-a fonts-ocr-b fonts-open-sans fonts-quicksand fonts-roboto-slab
  fonts-roboto-unhinted fonts-sjfonts fonts-spleen fonts-urw-base35 fonts-yanone-kaffeesatz
  wamerican
"
for package in $packages; do
  # Downloading as the user who runs this: the folder is closed to others.
  apt-get -o APT::Sandbox::User=root download "$package" >/dev/null
  mkdir -p "unpacked/$package"
  dpkg -x "$package"_*.deb "unpacked/$package"
done

# One name a line: faces with Latin letters, many of them monospaced or narrow like the
# printers of tills, regular and bold where both are used. Blanks in names become dashes.
while read -r name; do
  [ -n "$name" ] || continue
  found=$(find unpacked -name "$name" | sort | head -n 1)
  if [ -z "$found" ]; then
    echo "fetch_fonts.sh: no package brought $name" >&2
    exit 1
  fi
  cp -L "$found" "$target/fonts/$(echo "$name" | tr ' ' '-')"
done <<'FACES'
3270-Regular.ttf
3270Condensed-Regular.ttf
3270SemiCondensed-Regular.ttf
Anonymous Pro.ttf
Anonymous Pro B.ttf
B612Mono-Regular.otf
B612Mono-Bold.otf
Breip.ttf
ComicNeue-Regular.otf
ComicNeue-Bold.otf
Courier Prime.otf
Courier Prime Bold.otf
Courier Prime Code.otf
Courier Prime Sans.otf
Caladea-Regular.ttf
Caladea-Bold.ttf
Carlito-Regular.ttf
Carlito-Bold.ttf
DejaVuSans.ttf
DejaVuSansMono.ttf
DejaVuSansMono-Bold.ttf
DejaVuSerif.ttf
Dosis-Medium.otf
Dosis-Bold.otf
FreeMonoBold.ttf
FreeSansBold.ttf
Glass_TTY_VT220.ttf
Go-Mono.ttf
Go-Mono-Bold.ttf
Go-Regular.ttf
Go-Bold.ttf
Hack-Regular.ttf
Hack-Bold.ttf
Inconsolata.otf
Jura-Medium.otf
LeagueMono-Regular.otf
LeagueMono-Bold.otf
LeagueMono-CondensedMedium.otf
LeagueMono-CondensedBold.otf
LeagueMono-NarrowRegular.otf
LeagueMono-NarrowBold.otf
LiberationMono-Regular.ttf
LiberationMono-Bold.ttf
LiberationSans-Regular.ttf
LiberationSans-Bold.ttf
LiberationSans-Italic.ttf
LiberationSansNarrow-Regular.ttf
LiberationSansNarrow-Bold.ttf
LiberationSerif-Regular.ttf
LiberationSerif-Bold.ttf
LiberationSerif-Italic.ttf
mononoki-Regular.ttf
mononoki-Bold.ttf
NimbusMonoPS-Regular.otf
NimbusMonoPS-Bold.otf
NimbusRoman-Regular.otf
NimbusRoman-Bold.otf
NimbusSansNarrow-Regular.otf
NimbusSansNarrow-Bold.otf
C059-Roman.otf
C059-Bold.otf
P052-Roman.otf
URWBookman-Light.otf
URWGothic-Book.otf
URWGothic-Demi.otf
NotoMono-Regular.ttf
OCRA.ttf
OCRB.otf
OpenSans-Regular.ttf
OpenSans-Bold.ttf
OpenSans-CondBold.ttf
Quicksand-Medium.ttf
RobotoSlab-Regular.otf
RobotoSlab-Bold.otf
Roboto-Regular.ttf
Roboto-Medium.ttf
Roboto-Bold.ttf
RobotoCondensed-Regular.ttf
RobotoCondensed-Bold.ttf
SteveHand.ttf
spleen-6x12.otf
spleen-8x16.otf
spleen-12x24.otf
YanoneKaffeesatz-Regular.otf
YanoneKaffeesatz-Bold.otf
FACES

cp -L unpacked/wamerican/usr/share/dict/american-english "$target/words"
echo "$(ls "$target/fonts" | wc -l) faces and $(wc -l <"$target/words") words in $target"
