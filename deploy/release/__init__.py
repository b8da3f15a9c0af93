"""Makes a release: version and notes, wheel and sdist, image, sums; nothing leaves this machine."""
