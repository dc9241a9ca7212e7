// Build an image from a directory and start containers of other images, as a test suite would.
// Arguments: the package (one version of testcontainers), the directory, what the fake engine answers to a
// client that creates a container, and the images.
const [name, directory, noContainers, ...images] = process.argv.slice(2);
const { GenericContainer } = require(name);

async function main() {
  await GenericContainer.fromDockerfile(directory).build();
  for (const image of images) {
    await new GenericContainer(image).start().catch((error) => {
      if (!error.message.includes(noContainers)) throw error;
    });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
