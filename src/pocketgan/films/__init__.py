"""Films: walks between latents, samples over training; as GIF, WebP, MP4, or a sheet on paper. No torch until used."""
