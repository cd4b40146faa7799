/* The four files of each picture by libvips: one decode, then from each size to the next. Arguments: an effort for the original
 * and one for the sizes (-1: the default), the folder to write to, pictures. */
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

static int save(VipsImage *image, const char *folder, const char *base, const char *name, int quality, int effort)
{
	char *path = g_strdup_printf("%s/%s_%s.webp", folder, base, name);
	int failed = effort < 0
		? vips_webpsave(image, path, "Q", quality, NULL)
		: vips_webpsave(image, path, "Q", quality, "effort", effort, NULL);
	g_free(path);
	return failed;
}

static int make(const char *path, const char *folder, int original, int sizes)
{
	static const struct { const char *name; int box; } boxes[] = {{"display", 1920}, {"preview", 800}, {"thumbnail", 256}};
	VipsImage *loaded, *image;
	char *base = g_path_get_basename(path);
	if (!(loaded = vips_image_new_from_file(path, NULL)))
		return -1;
	image = vips_image_copy_memory(loaded);
	g_object_unref(loaded);
	if (!image || save(image, folder, base, "original", 85, original))
		return -1;
	for (int i = 0; i < 3; i++) {
		VipsImage *small, *whole;
		if (vips_thumbnail_image(image, &small, boxes[i].box, "height", boxes[i].box, "size", VIPS_SIZE_DOWN, NULL))
			return -1;
		whole = vips_image_copy_memory(small);
		g_object_unref(small);
		g_object_unref(image);
		image = whole;
		if (!image || save(image, folder, base, boxes[i].name, 80, sizes))
			return -1;
	}
	g_object_unref(image);
	g_free(base);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 5 || VIPS_INIT(argv[0]))
		return 2;
	for (int i = 4; i < argc; i++)
		if (make(argv[i], argv[3], atoi(argv[1]), atoi(argv[2])))
			vips_error_exit(NULL);
	vips_shutdown();
	return 0;
}
