"""What a package can add: an adapter, a dataset, a dialect and an exporter, one file each."""
