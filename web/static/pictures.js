// Photos on this phone, drawn anew: small enough to read a code from, or to sign and send.
const READ_SIDE = 2400;
const SENT_SIDE = 1600;

const drawn = async (file, side) => {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
};

// What a code is looked for in.
export const asPixels = async (file) => {
  const canvas = await drawn(file, READ_SIDE);
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
};

// A photo as it is signed and sent: small, and without what the camera said.
export const asJpeg = async (file) => {
  const canvas = await drawn(file, SENT_SIDE);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
  return blob.arrayBuffer();
};

export const picturesOf = (form) => Promise.all([...(form.querySelector("input[type=file]")?.files ?? [])].map(asJpeg));
