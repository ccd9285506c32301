"""What a package can add to tailrace: an adapter, a dataset and a dialect, one file each."""
