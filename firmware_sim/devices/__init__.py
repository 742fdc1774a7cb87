"""What a device is (``probe``), how it speaks (maps), what carries it (``modbus``, ``nmea``)."""
